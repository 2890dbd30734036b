// An addon as others write them, with all that may disturb its neighbours in a process: it changes the
// floating-point mode of the thread, throws C++ exceptions, keeps arrays of JavaScript, and lends memory of
// its own.

#include <napi.h>
#include <xmmintrin.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

constexpr unsigned kFlushDenormals = 0x8040;

/** As a library that is linked with -ffast-math does when it is loaded. */
[[maybe_unused]] const bool is_flushing = (_mm_setcsr(_mm_getcsr() | kFlushDenormals), true);

class Foreign : public Napi::Addon<Foreign> {
 public:
  Foreign(Napi::Env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceMethod("controlWord", &Foreign::control_word),
                             InstanceMethod("setControlWord", &Foreign::set_control_word),
                             InstanceMethod("throwError", &Foreign::throw_error),
                             InstanceMethod("throwNumber", &Foreign::throw_number),
                             InstanceMethod("callThrough", &Foreign::call_through),
                             InstanceMethod("keep", &Foreign::keep),
                             InstanceMethod("kept", &Foreign::kept),
                             InstanceMethod("lend", &Foreign::lend),
                             InstanceMethod("lent", &Foreign::lent),
                             InstanceMethod("detach", &Foreign::detach),
                         });
  }

 private:
  std::vector<Napi::Reference<Napi::TypedArray>> kept_;
  std::vector<std::shared_ptr<std::vector<float>>> pool_;
  /** How many arrays are lent and not given back. */
  const std::shared_ptr<int> lent_ = std::make_shared<int>(0);

  Napi::Value control_word(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), _mm_getcsr());
  }

  void set_control_word(const Napi::CallbackInfo& info) {
    _mm_setcsr(info[0].As<Napi::Number>().Uint32Value());
  }

  void throw_error(const Napi::CallbackInfo& info) {
    const std::vector<int> unwound(100);
    throw std::runtime_error(info[0].As<Napi::String>().Utf8Value());
  }

  void throw_number(const Napi::CallbackInfo&) { throw 42; }

  /** What JavaScript throws passes as a C++ exception. */
  Napi::Value call_through(const Napi::CallbackInfo& info) {
    const std::vector<int> unwound(100);
    return info[0].As<Napi::Function>().Call({});
  }

  void keep(const Napi::CallbackInfo& info) {
    kept_.push_back(Napi::Persistent(info[0].As<Napi::TypedArray>()));
  }

  Napi::Value kept(const Napi::CallbackInfo& info) {
    return kept_.at(info[0].As<Napi::Number>().Uint32Value()).Value();
  }

  /** An array over memory that V8 has not allocated: it comes from a pool, and is overwritten when it is
   * given back. */
  Napi::Value lend(const Napi::CallbackInfo& info) {
    struct Loan {
      std::shared_ptr<std::vector<float>> memory;
      std::shared_ptr<int> lent;
    };
    const size_t length = info[0].As<Napi::Number>().Uint32Value();
    const auto memory = pool_.emplace_back(std::make_shared<std::vector<float>>(length));
    const auto give_back = [](Napi::Env, void*, Loan* loan) {
      --*loan->lent;
      std::fill(loan->memory->begin(), loan->memory->end(), -1.0f);
      delete loan;
    };
    ++*lent_;
    const auto buffer = Napi::ArrayBuffer::New(info.Env(), memory->data(), length * sizeof(float), give_back,
                                               new Loan{memory, lent_});
    return Napi::Float32Array::New(info.Env(), length, buffer, 0);
  }

  Napi::Value lent(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), *lent_); }

  void detach(const Napi::CallbackInfo& info) { info[0].As<Napi::TypedArray>().ArrayBuffer().Detach(); }
};

}  // namespace

NODE_API_ADDON(Foreign)
