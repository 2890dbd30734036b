#include "addon/run_functions.h"

#include <memory>
#include <vector>

#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/outcome.h"
#include "addon/read_job.h"
#include "addon/state_functions.h"

namespace losskit {
namespace {

void report(napi_env env, const Outcome& outcome) {
  const Fault& fault = outcome.fault;
  double* frame = environment_of(env).frame;
  frame[kSlotStatus] = static_cast<double>(fault.status);
  frame[kSlotFaultInput] = fault.input;
  frame[kSlotFaultIndex] = static_cast<double>(fault.index);
  frame[kSlotFaultValue] = fault.value;
  frame[kSlotCount] = static_cast<double>(outcome.count);
}

/** The state given for a job: null if none, of the job's type otherwise. */
uint8_t* state_for(napi_env env, napi_value value, const Job& job) {
  if (is_undefined(env, value)) return nullptr;
  const StateArgument state = read_state_argument(env, value);
  require((state.header.is_double != 0) == in_double(job), "state of another dtype");
  return state.bytes;
}

napi_value run_now(napi_env env, napi_callback_info info) {
  const Arguments<kArrays + 1> arguments(env, info);
  Job job = read_job(env, arguments.value);
  uint8_t* state = state_for(env, arguments.value[kArrays], job);
  job.call.wants_sum |= state != nullptr;
  const Outcome outcome = run_job(job, state);
  report(env, outcome);
  return make_number(env, outcome.value);
}

/** Strong references, dropped together. */
class References {
 public:
  explicit References(napi_env env) : env_(env) {}
  References(const References&) = delete;
  References& operator=(const References&) = delete;
  ~References() {
    for (napi_ref reference : held_) napi_delete_reference(env_, reference);
  }
  void hold(napi_value value) {
    if (is_undefined(env_, value)) return;
    napi_ref reference;
    check(napi_create_reference(env_, value, 1, &reference), "reference");
    held_.push_back(reference);
  }

 private:
  napi_env env_;
  std::vector<napi_ref> held_;
};

/** A prepared call: behind the function that `bind` returns, for as long as that function lives. */
struct Bound {
  Job job;
  References arrays;
};

napi_value run_bound(napi_env env, napi_callback_info info) {
  void* data;
  check(napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data), "arguments");
  const Outcome outcome = run_job(static_cast<Bound*>(data)->job, nullptr);
  report(env, outcome);
  return make_number(env, outcome.value);
}

napi_value bind(napi_env env, napi_callback_info info) {
  const Arguments<kArrays> arguments(env, info);
  auto bound = std::unique_ptr<Bound>(new Bound{read_job(env, arguments.value), References(env)});
  for (napi_value array : arguments.value) bound->arrays.hold(array);
  napi_value function;
  check(napi_create_function(env, "run", NAPI_AUTO_LENGTH, guarded<run_bound>, bound.get(), &function),
        "function");
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Bound*>(data); };
  check(napi_add_finalizer(env, function, bound.get(), drop, nullptr, nullptr), "finalizer");
  bound.release();
  return function;
}

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
  void* data;
  napi_value buffer, array;
  check(napi_create_arraybuffer(env, 6 * sizeof(double), &data, &buffer), "result");
  check(napi_create_typedarray(env, napi_float64_array, 6, buffer, 0, &array), "result");
  double* result = static_cast<double*>(data);
  result[0] = static_cast<double>(outcome.fault.status);
  result[1] = outcome.value;
  result[2] = outcome.fault.input;
  result[3] = static_cast<double>(outcome.fault.index);
  result[4] = outcome.fault.value;
  result[5] = static_cast<double>(outcome.count);
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

napi_value run_async(napi_env env, napi_callback_info info) {
  const Arguments<kArrays + 2> arguments(env, info);
  auto call = std::unique_ptr<Async>(new Async{read_job(env, arguments.value), References(env), false, {}});
  for (napi_value array : arguments.value) call->arrays.hold(array);
  call->job.cancel = read_cancel_flag(env, arguments.value[kArrays + 1]);
  if (state_for(env, arguments.value[kArrays], call->job) != nullptr) {
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
  return promise;
}

}  // namespace

void define_run_functions(napi_env env, napi_value exports) {
  export_function<run_now>(env, exports, "run");
  export_function<run_async>(env, exports, "runAsync");
  export_function<bind>(env, exports, "bind");
}

}  // namespace losskit
