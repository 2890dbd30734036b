#include "addon/cuda/calls.h"

#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/give_back.h"
#include "addon/linked.h"

namespace losskit {
namespace {

/** Of the lists of all environments: threads of streams outlive each of them. */
std::mutex& lists() {
  static std::mutex* const mutex = new std::mutex;
  return *mutex;
}

}  // namespace

/**
 * Streams give their work back through one thread-safe function, which keeps the event loop alive while any
 * is open. What an environment leaves behind when it ends belongs to nobody, and goes when it is done.
 */
class CudaCalls {
 public:
  explicit CudaCalls(napi_env env) : give_back_(env, "losskit.cuda", given_back) {
    // After the function has been made, whose own hook runs after this one.
    check(napi_add_env_cleanup_hook(env, leave_all, this), "hook");
  }
  CudaCalls(const CudaCalls&) = delete;
  CudaCalls& operator=(const CudaCalls&) = delete;

  void begin(Pending& pending) {
    {
      std::lock_guard lock(lists());
      pending.calls = this;
      open_.add(pending);
    }
    give_back_.open();
  }

  /** Under the lock of the lists, so that the environment is still there. */
  void give_back(Pending& pending) {
    open_.remove(pending);
    give_back_.give(&pending);
  }

 private:
  GiveBack give_back_;
  Linked<Pending> open_;

  static void given_back(napi_env env, napi_value, void*, void* data) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(data));
    if (env == nullptr) return;  // it has ended
    pending->calls->give_back_.close();
    try {
      napi_resolve_deferred(env, pending->deferred, pending->result(env));
    } catch (const std::exception& e) {
      reject(env, pending->deferred, e.what());
    }
  }

  static void leave_all(void* data) {
    std::lock_guard lock(lists());
    for (Pending* p = static_cast<CudaCalls*>(data)->open_.first(); p != nullptr; p = p->after)
      p->calls = nullptr;
  }
};

void DeleteCudaCalls::operator()(CudaCalls* calls) const { delete calls; }

void Pending::done() {
  {
    std::lock_guard lock(lists());
    if (calls != nullptr) return calls->give_back(*this);
  }
  delete this;
}

napi_value await_stream(napi_env env, CudaStream& stream, std::unique_ptr<Pending> pending) {
  CudaCallsPointer& calls = environment_of(env).cuda;
  if (calls == nullptr) calls.reset(new CudaCalls(env));
  napi_value promise;
  check(napi_create_promise(env, &pending->deferred, &promise), "promise");
  calls->begin(*pending);
  stream.complete(pending.release());
  return promise;
}

napi_value Reached::result(napi_env env) { return make_numbers(env, {static_cast<double>(code)}); }

}  // namespace losskit
