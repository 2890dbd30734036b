// Dividing an exact sum, rounded once, on a processor or on a GPU.
#pragma once

#include "sum/round.h"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace losskit {

struct Division {
  uint64_t quotient, remainder;
};

/** (high 2^64 + low) / divisor, high < divisor. */
LOSSKIT_ANYWHERE Division divide(uint64_t high, uint64_t low, uint64_t divisor) {
#if defined(_MSC_VER)
  Division d;
  d.quotient = _udiv128(high, low, divisor, &d.remainder);
  return d;
#elif defined(__x86_64__) && !defined(__CUDA_ARCH__)
  Division d;  // the compiler would call a function for 128 by 128 bits
  __asm__("divq %4" : "=a"(d.quotient), "=d"(d.remainder) : "a"(low), "d"(high), "r"(divisor) : "cc");
  return d;
#else
  const unsigned __int128 dividend = static_cast<unsigned __int128>(high) << 64 | low;
  return {static_cast<uint64_t>(dividend / divisor), static_cast<uint64_t>(dividend % divisor)};
#endif
}

/** sum / divisor, to the nearest double, ties to even. */
template <class T>
LOSSKIT_ANYWHERE double rounded_quotient(const ExactSum<T>& sum, double divisor) {
  if (sum.special != 0 || !(divisor > 0) || std::isinf(divisor)) return rounded_value(sum) / divisor;
  const Magnitude m = magnitude_of(sum);
  if (m.limbs == 0) return 0;
  // divisor = whole 2^exponent
  const uint64_t word = std::bit_cast<uint64_t>(divisor), field = word >> 52, mantissa = word << 12 >> 12;
  uint64_t whole = field != 0 ? mantissa | uint64_t(1) << 52 : mantissa;
  int exponent = static_cast<int>(field != 0 ? field : 1) - 1075;
  const int zeros = trailing_zeros(whole);
  whole >>= zeros;
  exponent += zeros;
  if (whole == 1) return round_limbs(m.negative, m.limb, m.limbs, ExactSumShape<T>::unit - exponent, false);
  // Long division until two limbs hold digits; past the last limb of the sum it goes on with zeros.
  uint64_t digits[2] = {}, remainder = 0;
  int found = 0, position = m.limbs;
  while (found < 2) {
    const uint64_t next = --position >= 0 ? m.limb[position] : 0;
    const Division d = divide(remainder, next, whole);
    remainder = d.remainder;
    if (found > 0 || d.quotient != 0) digits[1 - found++] = d.quotient;
  }
  bool sticky = remainder != 0;
  for (int i = 0; i < position; ++i) sticky |= m.limb[i] != 0;
  return round_limbs(m.negative, digits, 2, ExactSumShape<T>::unit - exponent + 64 * position, sticky);
}

}  // namespace losskit
