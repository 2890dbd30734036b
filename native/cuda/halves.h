// Two numbers of a half type in a word, as memory has them; by the device's own conversions where it has
// some.
#pragma once

#include <cuda_runtime.h>

#include "simd/cuda.h"
#include "simd/half.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

LOSSKIT_INLINE float from_bf16(uint16_t bits) { return bit_copy<float>(static_cast<uint32_t>(bits) << 16); }
LOSSKIT_INLINE uint16_t to_bf16(float x) {
  return static_cast<uint16_t>((round_to_bf16(vec<float, kTeam>(x)) >> 16).v);
}

/** Both numbers of a word, the lower half first. */
LOSSKIT_INLINE float2 from_halves(uint32_t word, bool is_brain) {
  if (is_brain) return {bit_copy<float>(word << 16), bit_copy<float>(word & 0xffff0000u)};
#if defined(__CUDA_ARCH__)
  float2 x;
  asm("{.reg .b16 low, high; mov.b32 {low, high}, %2; cvt.f32.f16 %0, low; cvt.f32.f16 %1, high;}"
      : "=f"(x.x), "=f"(x.y)
      : "r"(word));
  return x;
#else
  return {from_half(word & 0xffffu), from_half(word >> 16)};
#endif
}

/** Rounded to nearest even. The NaN of a device's arithmetic, 0x7fffffff, becomes 0x7fff either way. */
LOSSKIT_INLINE uint32_t to_halves(float2 x, bool is_brain) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint32_t word;
  if (is_brain) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(x.y), "f"(x.x));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(x.y), "f"(x.x));
  }
  return word;
#else
  const uint32_t low = is_brain ? to_bf16(x.x) : to_half(x.x), high = is_brain ? to_bf16(x.y) : to_half(x.y);
  return low | high << 16;
#endif
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
