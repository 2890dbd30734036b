#include "addon/run_functions.h"

#include "addon/async.h"
#include "addon/bound.h"
#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/read_job.h"
#include "addon/report.h"
#include "addon/state_functions.h"

namespace losskit {
namespace {

napi_value run_now(napi_env env, napi_callback_info info) {
  const Arguments<kArrays + 1> arguments(env, info);
  double* frame = environment_of(env).frame;
  Job job;
  read_job(env, frame, arguments.value, job);
  uint8_t* state = nullptr;
  if (arguments.count > kArrays) state = state_for(env, arguments.value[kArrays], in_double(job));
  job.call.wants_sum |= state != nullptr;
  if (const Overlap overlap = find_overlap(job.call, frame[kSlotInPlace] != 0)) {
    report(frame, overlap);
  } else {
    report(frame, run_job(job, state));
  }
  return nullptr;
}

}  // namespace

void define_run_functions(napi_env env, napi_value exports) {
  export_function<run_now>(env, exports, "run");
  export_function<run_async>(env, exports, "runAsync");
  export_function<bind>(env, exports, "bind");
  export_function<run_bound>(env, exports, "runBound");
}

}  // namespace losskit
