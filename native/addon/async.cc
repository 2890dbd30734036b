#include "addon/async.h"

#include <iterator>
#include <memory>
#include <vector>

#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/read_job.h"
#include "addon/references.h"
#include "addon/report.h"
#include "addon/state_functions.h"

namespace losskit {
namespace {

/** A call on one of libuv's threads. */
struct Async {
  Job job;
  References arrays;
  bool adds_to_state;
  std::vector<uint8_t> partial;  // added to the state when it is done, on the thread of JavaScript
  napi_ref state = nullptr;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;
  Outcome outcome{};
};

void execute(napi_env, void* data) {
  Async& call = *static_cast<Async*>(data);
  call.outcome = run_job(call.job, call.adds_to_state ? call.partial.data() : nullptr);
}

/** Adds the partial result to the state the caller gave, if that is still one. */
void add_partial(napi_env env, Async& call) {
  napi_value array;
  check(napi_get_reference_value(env, call.state, &array), "state");
  const StateArgument state = read_state_argument(env, array);
  if (in_double(call.job)) {
    add_to_state(state.bytes, read_state<double>(call.partial.data()), divides_by_weights(call.job.call));
  } else {
    add_to_state(state.bytes, read_state<float>(call.partial.data()), divides_by_weights(call.job.call));
  }
}

napi_value async_result(napi_env env, const Outcome& outcome) {
  const Fault& fault = outcome.fault;
  const double numbers[] = {static_cast<double>(fault.status), outcome.value,
                            static_cast<double>(fault.input),  static_cast<double>(fault.index),
                            fault.value,                       static_cast<double>(outcome.count)};
  napi_value array;
  check(napi_create_array_with_length(env, std::size(numbers), &array), "result");
  for (uint32_t i = 0; i < std::size(numbers); ++i) {
    check(napi_set_element(env, array, i, make_number(env, numbers[i])), "result");
  }
  return array;
}

void complete(napi_env env, napi_status, void* data) {
  const std::unique_ptr<Async> call(static_cast<Async*>(data));
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  try {
    if (call->adds_to_state && call->outcome.fault.status == Status::ok) add_partial(env, *call);
    napi_resolve_deferred(env, call->deferred, async_result(env, call->outcome));
  } catch (const std::exception& e) {
    // The environment may be closing, when nothing can be told to anyone any more.
    napi_value code, message, error;
    if (napi_create_string_utf8(env, "ERR_BINDING", NAPI_AUTO_LENGTH, &code) == napi_ok &&
        napi_create_string_utf8(env, e.what(), NAPI_AUTO_LENGTH, &message) == napi_ok &&
        napi_create_error(env, code, message, &error) == napi_ok) {
      napi_reject_deferred(env, call->deferred, error);
    }
  }
  if (call->state != nullptr) napi_delete_reference(env, call->state);
  napi_delete_async_work(env, call->work);
  napi_close_handle_scope(env, scope);
}

int32_t* read_cancel_flag(napi_env env, napi_value value) {
  if (is_undefined(env, value)) return nullptr;
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr), "cancel");
  require(type == napi_int32_array && length >= 1, "cancel");
  return static_cast<int32_t*>(data);
}

}  // namespace

napi_value run_async(napi_env env, napi_callback_info info) {
  const Arguments<kArrays + 2> arguments(env, info);
  double* frame = environment_of(env).frame;
  auto call = std::unique_ptr<Async>(new Async{{}, References(env), false, {}});
  read_job(env, frame, arguments.value, call->job);
  if (const Overlap overlap = find_overlap(call->job.call, frame[kSlotInPlace] != 0)) {
    report(frame, overlap);
    return nullptr;
  }
  for (napi_value array : arguments.value) call->arrays.hold(array);
  call->job.cancel = read_cancel_flag(env, arguments.value[kArrays + 1]);
  if (state_for(env, arguments.value[kArrays], in_double(call->job)) != nullptr) {
    call->adds_to_state = call->job.call.wants_sum = true;
    call->partial.resize(in_double(call->job) ? kStateBytes<double> : kStateBytes<float>);
    init_state(call->partial.data(), in_double(call->job));
    check(napi_create_reference(env, arguments.value[kArrays], 1, &call->state), "state");
  }
  napi_value promise;
  check(napi_create_promise(env, &call->deferred, &promise), "promise");
  check(napi_create_async_work(env, nullptr, make_string(env, "losskit"), execute, complete, call.get(),
                               &call->work),
        "work");
  check(napi_queue_async_work(env, call->work), "queue");
  call.release();
  frame[kSlotStatus] = 0;
  return promise;
}

}  // namespace losskit
