// float16 and bfloat16 are storage: widened on the way in, rounded to nearest even on the way out, denormals
// kept.
#pragma once

#include "simd/vec.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** bfloat16 is the upper half of a float32. */
template <class V>
LOSSKIT_INLINE V load_bf16(const uint16_t* p, V*) {
  return V::from_bits(load_u16(p, static_cast<typename V::ints*>(nullptr)) << 16);
}

/** The nearest bfloat16, in the upper half of each lane; the lower half means nothing. */
template <class V>
LOSSKIT_INLINE typename V::ints round_to_bf16(V a) {
  using I = typename V::ints;
  const I i = bits(a);
  const V rounded = V::from_bits(i + I(0x7fff) + ((i >> 16) & I(1)));
  const V quiet = V::from_bits(i | I(0x400000));  // rounding could carry a NaN's bits into infinity
  return bits(select(a == a, rounded, quiet));
}
template <class V>
LOSSKIT_INLINE void store_bf16(V a, uint16_t* p) {
  store_u16(round_to_bf16(a) >> 16, p);
}

// Two vectors of neighbouring bfloat16, unzipped: those at even places in `lo`, those at odd ones in `hi`.
// Where each number is worked on by itself their order is nothing, and nothing has to change lanes.

constexpr int32_t kUpperHalf = -0x10000;

template <class V>
LOSSKIT_INLINE V load_bf16_unzipped(const uint16_t* p) {
  using H = typename V::half;
  const auto pairs = bits(H::load(reinterpret_cast<const float*>(p)));
  return {H::from_bits(pairs << 16), H::from_bits(pairs & kUpperHalf)};
}
template <class V>
LOSSKIT_INLINE void store_bf16_zipped(V a, uint16_t* p) {
  using H = typename V::half;
  const auto pairs = (round_to_bf16(a.lo) >> 16) | (round_to_bf16(a.hi) & kUpperHalf);
  H::from_bits(pairs).store(reinterpret_cast<float*>(p));
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
