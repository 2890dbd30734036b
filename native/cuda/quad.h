// Four neighbouring numbers of a tensor in one access: floats, or those of a half type by their bits.
#pragma once

#include "cuda/tensor.h"
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

LOSSKIT_INLINE float widened(float x, bool) { return x; }
LOSSKIT_INLINE float widened(uint16_t half, bool brain) {
#ifdef __CUDA_ARCH__
  if (brain) return from_bf16(half);
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
  return x;
#else
  return brain ? from_bf16(half) : from_half(half);
#endif
}

template <class S>
LOSSKIT_INLINE Floats widened(const Quad<S>& x, bool brain) {
  return {{widened(x.of[0], brain), widened(x.of[1], brain), widened(x.of[2], brain), widened(x.of[3], brain)}};
}

/** Rounds to the nearest, ties to even; NaN to some NaN. */
template <class S>
LOSSKIT_INLINE Quad<S> narrowed(const Floats& x, bool brain) {
  if constexpr (sizeof(S) == 4) {
    return x;
  } else {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    uint32_t pair[2];
    for (int i = 0; i < 2; ++i) {
      if (brain) {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair[i]) : "f"(x.of[2 * i + 1]), "f"(x.of[2 * i]));
      } else {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair[i]) : "f"(x.of[2 * i + 1]), "f"(x.of[2 * i]));
      }
    }
    return bit_copy<Quad<S>>(uint2{pair[0], pair[1]});
#else
    Quad<S> half;
    for (int i = 0; i < 4; ++i) half.of[i] = brain ? to_bf16(x.of[i]) : to_half(x.of[i]);
    return half;
#endif
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
    float largest = largest_;
    for (int i = 0; i < 2; ++i) {
      const float one = widened(static_cast<uint16_t>(pair_ >> (16 * i)), brain_);
      if (has_pairs_ && one > largest) largest = one;
    }
    return largest;
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
