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

/** The nearest bfloat16, in the low half of each lane. */
template <class V>
LOSSKIT_INLINE typename V::ints to_bf16(V a) {
  using I = typename V::ints;
  const I i = bits(a);
  const I rounded = (i + I(0x7fff) + ((i >> 16) & I(1))) >> 16;
  const I nan = (i >> 16) | I(0x40);  // rounding could carry a NaN's bits into infinity
  const V finite = V::from_bits(rounded), quiet = V::from_bits(nan);
  return bits(select(a == a, finite, quiet));
}
template <class V>
LOSSKIT_INLINE void store_bf16(V a, uint16_t* p) {
  store_u16(to_bf16(a), p);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
