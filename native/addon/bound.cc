#include "addon/bound.h"

#include <memory>

#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/read_job.h"
#include "addon/references.h"
#include "addon/report.h"

namespace losskit {

/** Lives as long as the object that `bind` returned. */
struct Bound {
  Job job;
  BriefRun brief;
  References arrays;
  Shared<BoundCalls> calls;
  size_t number;

  Bound(napi_env env, const Environment& environment)
      : arrays(env), calls(environment.bound), number(calls->add(this)) {}
  Bound(const Bound&) = delete;
  Bound& operator=(const Bound&) = delete;
  ~Bound() { calls->remove(number); }
};

napi_value bind(napi_env env, napi_callback_info info) {
  const Arguments<kArrays> arguments(env, info);
  const Environment& environment = environment_of(env);
  auto bound = std::make_unique<Bound>(env, environment);
  read_job(env, environment.frame, arguments.value, bound->job);
  if (const Overlap overlap = find_overlap(bound->job.call, environment.frame[kSlotInPlace] != 0)) {
    report(environment.frame, overlap);
    return nullptr;
  }
  bound->brief = brief_run_of(bound->job);
  for (napi_value array : arguments.value) bound->arrays.hold(array);
  napi_value object;
  check(napi_create_object(env, &object), "object");
  const napi_value number = make_number(env, static_cast<double>(bound->number));
  check(napi_set_named_property(env, object, "number", number), "number");
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Bound*>(data); };
  check(napi_add_finalizer(env, object, bound.get(), drop, nullptr, nullptr), "finalizer");
  bound.release();
  environment.frame[kSlotStatus] = 0;
  return object;
}

napi_value run_bound(napi_env env, napi_callback_info) {
  const Environment& environment = environment_of(env);
  Bound* bound = environment.bound->at(environment.frame[kSlotBound]);
  require(bound != nullptr, "bound");
  double value;
  if (bound->brief(bound->job.call, value)) {
    report(environment.frame, value, bound->job.call.rows);
  } else {
    report(environment.frame, run_by_sums(bound->job, nullptr));
  }
  return nullptr;
}

}  // namespace losskit
