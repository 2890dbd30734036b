#include "addon/async.h"

#include <atomic>
#include <mutex>
#include <vector>

#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/give_back.h"
#include "addon/linked.h"
#include "addon/read_job.h"
#include "addon/references.h"
#include "addon/report.h"
#include "addon/state_functions.h"
#include "cpu/catalogue.h"
#include "cpu/condition_variable.h"
#include "cpu/errands.h"

namespace losskit {
namespace {

/** Bytes of work that take less time than telling another thread and being told. */
constexpr uint64_t kAtOnce = 128 * 1024;

struct Async : Errand {
  Job job;
  References arrays;
  std::vector<uint8_t> partial;  // added to the state when it is done, on the thread of JavaScript
  napi_ref state = nullptr;
  napi_deferred deferred = nullptr;
  Outcome outcome{};
  int32_t stop = 0;  // the flag of a call to which no other was given
  AsyncCalls* calls = nullptr;
  Async *before = nullptr, *after = nullptr;  // among those whose thread is not done

  explicit Async(napi_env env) : arrays(env) {}
};

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
  return make_numbers(env,
                      {static_cast<double>(fault.status), outcome.value, static_cast<double>(fault.input),
                       static_cast<double>(fault.index), fault.value, static_cast<double>(outcome.count)});
}

void settle(napi_env env, Async& call) {
  try {
    if (call.state != nullptr && call.outcome.fault.status == Status::ok) add_partial(env, call);
    napi_resolve_deferred(env, call.deferred, async_result(env, call.outcome));
  } catch (const std::exception& e) {
    reject(env, call.deferred, e.what());
  }
}

}  // namespace

/**
 * Threads give their calls back through one thread-safe function, which keeps the event loop alive while any
 * call is under way. An environment that ends stops its calls and waits for them, for its memory goes too.
 */
class AsyncCalls {
 public:
  explicit AsyncCalls(napi_env env) : give_back_(env, "losskit", given_back) {
    // After the function has been made, whose own hook runs after this one.
    check(napi_add_env_cleanup_hook(env, stop_all, this), "hook");
  }
  AsyncCalls(const AsyncCalls&) = delete;
  AsyncCalls& operator=(const AsyncCalls&) = delete;

  bool begin(Async& call) {
    call.calls = this;
    call.run = run;
    {
      std::lock_guard lock(mutex_);
      under_way_.add(call);
    }
    if (!send(call)) {
      leave(call);
      return false;
    }
    give_back_.open();
    return true;
  }

 private:
  GiveBack give_back_;
  std::mutex mutex_;
  std::condition_variable left_;
  Linked<Async> under_way_;

  static void run(Errand& errand) {
    Async& call = static_cast<Async&>(errand);
    AsyncCalls& calls = *call.calls;
    call.outcome = run_job(call.job, call.state != nullptr ? call.partial.data() : nullptr);
    std::lock_guard lock(calls.mutex_);
    calls.under_way_.remove(call);
    // Under the lock, so that the environment is still there; from then on the call may be gone.
    calls.give_back_.give(&call);
    if (calls.under_way_.first() == nullptr) calls.left_.notify_all();
  }

  static void given_back(napi_env env, napi_value, void*, void* data) {
    const std::unique_ptr<Async> call(static_cast<Async*>(data));
    if (env == nullptr) {  // it has ended, and its references with it
      call->arrays.forget();
      return;
    }
    call->calls->give_back_.close();
    settle(env, *call);
    if (call->state != nullptr) napi_delete_reference(env, call->state);
  }

  static void stop_all(void* data) {
    AsyncCalls& calls = *static_cast<AsyncCalls*>(data);
    std::unique_lock lock(calls.mutex_);
    for (Async *call = calls.under_way_.first(), *next; call != nullptr; call = next) {
      next = call->after;
      std::atomic_ref(*call->job.cancel).store(1, std::memory_order_relaxed);
      if (!withdraw(*call)) continue;
      calls.under_way_.remove(*call);
      call->arrays.forget();
      delete call;
    }
    calls.left_.wait(lock, [&] { return calls.under_way_.first() == nullptr; });
  }

  void leave(Async& call) {
    std::lock_guard lock(mutex_);
    under_way_.remove(call);
  }
};

void DeleteAsyncCalls::operator()(AsyncCalls* calls) const { delete calls; }

namespace {

int32_t* read_cancel_flag(napi_env env, napi_value value) {
  if (is_undefined(env, value)) return nullptr;
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr), "cancel");
  require(type == napi_int32_array && length >= 1, "cancel");
  return static_cast<int32_t*>(data);
}

/** Lists of classes are compared with each other, which no number of bytes tells the cost of. */
bool is_short(const Job& job) {
  return kernel_at(job.call.kernel).driver != Driver::multilabel && work_of(job) <= kAtOnce;
}

}  // namespace

napi_value run_async(napi_env env, napi_callback_info info) {
  const Arguments<kArrays + 2> arguments(env, info);
  Environment& environment = environment_of(env);
  double* frame = environment.frame;
  Job job;
  read_job(env, frame, arguments.value, job);
  uint8_t* state = state_for(env, arguments.value[kArrays], in_double(job));
  job.call.wants_sum |= state != nullptr;
  int32_t* const cancel = read_cancel_flag(env, arguments.value[kArrays + 1]);
  if (const Overlap overlap = find_overlap(job.call, frame[kSlotInPlace] != 0)) {
    report(frame, overlap);
    return nullptr;
  }
  if (is_short(job)) {
    report(frame, run_job(job, state));
    return nullptr;
  }
  auto call = std::make_unique<Async>(env);
  call->job = job;
  call->job.cancel = cancel != nullptr ? cancel : &call->stop;
  for (napi_value array : arguments.value) call->arrays.hold(array);
  if (state != nullptr) {
    call->partial.resize(in_double(job) ? kStateBytes<double> : kStateBytes<float>);
    init_state(call->partial.data(), in_double(job));
    check(napi_create_reference(env, arguments.value[kArrays], 1, &call->state), "state");
  }
  if (environment.async == nullptr) environment.async.reset(new AsyncCalls(env));
  napi_value promise;
  check(napi_create_promise(env, &call->deferred, &promise), "promise");
  if (!environment.async->begin(*call)) throw std::runtime_error("no thread");
  call.release();
  return promise;
}

}  // namespace losskit
