// The floating-point mode the kernels need: rounding to nearest, denormals kept.
//
// Another library in the process may have changed it (code built with -ffast-math does so when it is loaded);
// results must not depend on that, and it must find its mode again afterwards.
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
    if ((before_ & kModes) != 0) _mm_setcsr(before_ & ~kModes);
  }
  ~FloatEnvironment() {
    if ((before_ & kModes) != 0) _mm_setcsr(before_);
  }

 private:
  static constexpr unsigned kModes = 0xe040;  // flush to zero, rounding, denormals are zero
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
  static constexpr uint64_t kModes = 0x1c80000;  // flush to zero of both kinds, rounding
  uint64_t before_;
#else
  FloatEnvironment() = default;

 private:
#endif
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;
};

}  // namespace losskit
