// Rounding an exact sum to a double, on a processor or on a GPU.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include "sum/exact_sum.h"

#if defined(__CUDACC__)
#define LOSSKIT_ANYWHERE __host__ __device__ inline
#else
#define LOSSKIT_ANYWHERE inline
#endif

namespace losskit {

// Compiled for a GPU by nvcc 13, std::countl_zero and std::countr_zero of libstdc++ 12 give 64 for any
// number.

LOSSKIT_ANYWHERE int leading_zeros(uint64_t x) {
#if defined(__CUDA_ARCH__)
  return __clzll(static_cast<long long>(x));
#else
  return std::countl_zero(x);
#endif
}

/** Of a number that is not 0. */
LOSSKIT_ANYWHERE int trailing_zeros(uint64_t x) {
#if defined(__CUDA_ARCH__)
  return __ffsll(static_cast<long long>(x)) - 1;
#else
  return std::countr_zero(x);
#endif
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostLimbs = ExactSumShape<double>::limbs;

/** A magnitude without leading zero limbs, and its sign. */
struct Magnitude {
  uint64_t limb[kMostLimbs + 1];
  int limbs = 0;
  bool negative = false;

  LOSSKIT_ANYWHERE int top_bit() const { return 64 * limbs - 1 - leading_zeros(limb[limbs - 1]); }
};

template <class T>
LOSSKIT_ANYWHERE Magnitude magnitude_of(const ExactSum<T>& sum) {
  constexpr int n = ExactSumShape<T>::limbs;
  Magnitude m;
  m.negative = static_cast<int64_t>(sum.limb[n - 1]) < 0;
  uint64_t carry = m.negative;
  for (int i = 0; i < n; ++i) {
    const uint64_t word = (m.negative ? ~sum.limb[i] : sum.limb[i]) + carry;
    carry = m.negative && carry && word == 0;
    m.limb[i] = word;
    if (word != 0) m.limbs = i + 1;
  }
  return m;
}

/** (leading + sticky) 2^(exponent - 63) with leading's top bit set, to the nearest double. */
LOSSKIT_ANYWHERE double round_once(bool negative, uint64_t leading, int exponent, bool sticky) {
  const int kept = exponent >= -1022 ? 53 : 53 - (-1022 - exponent);
  if (kept < 0) return negative ? -0.0 : 0.0;
  const int dropped = 64 - kept;
  uint64_t digits = dropped == 64 ? 0 : leading >> dropped;
  const uint64_t rest = dropped == 64 ? leading : leading & ((uint64_t(1) << dropped) - 1);
  const uint64_t half = uint64_t(1) << (dropped - 1);
  if (rest > half || (rest == half && (sticky || (digits & 1) != 0))) ++digits;
  if (exponent > 1023) return negative ? -kInfinity : kInfinity;
  // The digits' leading one adds one to the exponent field, below which it stands; a carry out of rounding
  // does it again.
  const uint64_t field = exponent >= -1022 ? static_cast<uint64_t>(exponent + 1022) << 52 : 0;
  const double value = std::bit_cast<double>(field + digits);
  return negative ? -value : value;
}

/** The top 64 bits of n limbs with a leading one, the rest as sticky; unit is the exponent of the lowest bit.
 */
LOSSKIT_ANYWHERE double round_limbs(bool negative, const uint64_t* limb, int n, int unit, bool sticky) {
  while (n > 0 && limb[n - 1] == 0) --n;
  if (n == 0) return 0;
  const int zeros = leading_zeros(limb[n - 1]);
  uint64_t leading = limb[n - 1] << zeros;
  if (zeros > 0 && n > 1) leading |= limb[n - 2] >> (64 - zeros);
  if (n > 1 && (limb[n - 2] << zeros) != 0) sticky = true;
  for (int i = 0; i < n - 2; ++i) sticky |= limb[i] != 0;
  return round_once(negative, leading, unit + 64 * n - 1 - zeros, sticky);
}

/** What IEEE addition gives where a term was infinite or NaN; 0 where none was. */
LOSSKIT_ANYWHERE double special_value(uint64_t special) {
  constexpr uint64_t both = kSawPositiveInfinity | kSawNegativeInfinity;
  if (special == 0) return 0;
  if ((special & kSawNan) != 0 || (special & both) == both) return std::numeric_limits<double>::quiet_NaN();
  return (special & kSawPositiveInfinity) != 0 ? kInfinity : -kInfinity;
}

/** The sum, to the nearest double, ties to even. */
template <class T>
LOSSKIT_ANYWHERE double rounded_value(const ExactSum<T>& sum) {
  if (sum.special != 0) return special_value(sum.special);
  const Magnitude m = magnitude_of(sum);
  return round_limbs(m.negative, m.limb, m.limbs, ExactSumShape<T>::unit, false);
}

}  // namespace losskit
