// Four neighbouring numbers of a tensor in one access: floats, or those of a half type by their bits.
#pragma once

#include "cuda/halves.h"
#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class S>
struct alignas(4 * sizeof(S)) Quad {
  S of[4];
};
using Floats = Quad<float>;

template <class S>
LOSSKIT_INLINE bool is_quad(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % alignof(Quad<S>) == 0;
}

LOSSKIT_INLINE Floats widened(const Floats& x, bool) { return x; }
LOSSKIT_INLINE Floats widened(const Quad<uint16_t>& x, bool brain) {
  const auto words = bit_copy<uint2>(x);
  const float2 low = from_halves(words.x, brain), high = from_halves(words.y, brain);
  return {{low.x, low.y, high.x, high.y}};
}

/** Rounds to the nearest, ties to even; NaN to some NaN. */
template <class S>
LOSSKIT_INLINE Quad<S> narrowed(const Floats& x, bool brain) {
  if constexpr (sizeof(S) == 4) {
    return x;
  } else {
    return bit_copy<Quad<S>>(
        uint2{to_halves({x.of[0], x.of[1]}, brain), to_halves({x.of[2], x.of[3]}, brain)});
  }
}

/** The largest of numbers that come in fours; a NaN is never that. */
template <class S>
class Largest {
 public:
  LOSSKIT_INLINE explicit Largest(bool brain) : brain_(brain) {}

  LOSSKIT_INLINE void add(const Quad<S>& x) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if constexpr (sizeof(S) == 2) {
      const auto pairs = bit_copy<uint2>(x);
      add_pair(pairs.x);
      add_pair(pairs.y);
      return;
    }
#endif
    const Floats wide = widened(x, brain_);
    for (float one : wide.of) largest_ = one > largest_ ? one : largest_;
  }

  LOSSKIT_INLINE float value() const {
    if (!has_pairs_) return largest_;
    const float2 pair = from_halves(pair_, brain_);
    return pair.x > pair.y ? pair.x : pair.y;
  }

 private:
  bool brain_, has_pairs_ = false;
  float largest_ = -infinity<float>;
  uint32_t pair_ = 0;

  LOSSKIT_INLINE void add_pair(uint32_t pair) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if (!has_pairs_) pair_ = brain_ ? 0xff80ff80 : 0xfc00fc00;  // minus infinity, twice
    has_pairs_ = true;
    if (brain_) {
      asm("max.bf16x2 %0, %0, %1;" : "+r"(pair_) : "r"(pair));
    } else {
      asm("max.f16x2 %0, %0, %1;" : "+r"(pair_) : "r"(pair));
    }
#else
    static_cast<void>(pair);
#endif
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
