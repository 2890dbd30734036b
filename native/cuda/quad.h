// Four neighbouring numbers of a tensor in one access: floats, or those of a half type by their bits.
#pragma once

#include <type_traits>

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

/** Calls f with a constant that says whether halves are bfloat16: asked once for many numbers. */
template <class S, class F>
LOSSKIT_INLINE auto by_brain(bool brain, F f) {
  if constexpr (sizeof(S) == 4) {
    return f(std::false_type());
  } else {
    return brain ? f(std::true_type()) : f(std::false_type());
  }
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
template <class S, bool brain>
class Largest {
 public:
  LOSSKIT_INLINE void add(const Quad<S>& x) {
    if constexpr (has_pairs) {
      const auto pairs = bit_copy<uint2>(x);
      add_pair(pairs.x);
      add_pair(pairs.y);
    } else {
      const Floats wide = widened(x, brain);
      for (float one : wide.of) largest_ = one > largest_ ? one : largest_;
    }
  }

  LOSSKIT_INLINE float value() const {
    if constexpr (!has_pairs) return largest_;
    const float2 pair = from_halves(pair_, brain);
    return pair.x > pair.y ? pair.x : pair.y;
  }

 private:
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  static constexpr bool has_pairs = sizeof(S) == 2;
#else
  static constexpr bool has_pairs = false;
#endif

  float largest_ = -infinity<float>;
  uint32_t pair_ = brain ? 0xff80ff80 : 0xfc00fc00;  // the same, twice

  LOSSKIT_INLINE void add_pair(uint32_t pair) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if constexpr (brain) {
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
