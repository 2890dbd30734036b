// The floating-point mode of all arithmetic: rounding to nearest, denormals kept, no traps.
//
// Another library in the process may have changed it (code built with -ffast-math does so when it is loaded);
// results must not depend on that, and it must find its mode again afterwards. So one of these is held by
// every callback from JavaScript, and by the threads of our own, which inherit the mode of whoever started
// them.
#pragma once

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace losskit {

class FloatEnvironment {
 public:
#if defined(__x86_64__) || defined(_M_X64)
  FloatEnvironment() : before_(_mm_getcsr()) {
    if ((before_ & kControl) != kMasks) _mm_setcsr((before_ & ~kControl) | kMasks);
  }
  ~FloatEnvironment() {
    if ((before_ & kControl) != kMasks) _mm_setcsr(before_);
  }

 private:
  static constexpr unsigned kMasks = 0x1f80;  // no exception traps
  // These, flush to zero, rounding, denormals are zero; the rest are flags.
  static constexpr unsigned kControl = kMasks | 0xe040;
  unsigned before_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    if ((before_ & kModes) != 0) asm volatile("msr fpcr, %0" : : "r"(before_ & ~kModes));
  }
  ~FloatEnvironment() {
    if ((before_ & kModes) != 0) asm volatile("msr fpcr, %0" : : "r"(before_));
  }

 private:
  static constexpr uint64_t kModes = 0x1c89f00;  // flush to zero of both kinds, rounding, traps
  uint64_t before_;
#else
  FloatEnvironment() = default;

 private:
#endif
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;
};

}  // namespace losskit
