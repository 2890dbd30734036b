#include "sum/read.h"

#include "sum/round.h"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace losskit {
namespace {

struct Division {
  uint64_t quotient, remainder;
};

/** (high 2^64 + low) / divisor, high < divisor. */
Division divide(uint64_t high, uint64_t low, uint64_t divisor) {
#if defined(_MSC_VER)
  Division d;
  d.quotient = _udiv128(high, low, divisor, &d.remainder);
  return d;
#elif defined(__x86_64__)
  Division d;  // the compiler would call a function for 128 by 128 bits
  __asm__("divq %4" : "=a"(d.quotient), "=d"(d.remainder) : "a"(low), "d"(high), "r"(divisor) : "cc");
  return d;
#else
  const unsigned __int128 dividend = static_cast<unsigned __int128>(high) << 64 | low;
  return {static_cast<uint64_t>(dividend / divisor), static_cast<uint64_t>(dividend % divisor)};
#endif
}

/** Less than, equal or greater by the sign, for n limbs. */
int compare(const uint64_t* a, const uint64_t* b, int n) {
  for (int i = n; i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

void subtract(uint64_t* a, const uint64_t* b, int n) {
  uint64_t borrow = 0;
  for (int i = 0; i < n; ++i) {
    const uint64_t before = a[i], part = before - b[i];
    a[i] = part - borrow;
    borrow = static_cast<uint64_t>(before < b[i]) | static_cast<uint64_t>(part < borrow);
  }
}

void shift_left(uint64_t* a, int n, int count) {
  const int whole = count / 64, part = count % 64;
  for (int i = n; i-- > 0;) {
    const uint64_t low = i - whole >= 0 ? a[i - whole] : 0;
    const uint64_t below = i - whole - 1 >= 0 ? a[i - whole - 1] : 0;
    a[i] = part == 0 ? low : low << part | below >> (64 - part);
  }
}

}  // namespace

template <class T>
double value_of(const ExactSum<T>& sum) {
  return rounded_value(sum);
}

template <class T>
double quotient(const ExactSum<T>& sum, double divisor) {
  if (sum.special != 0 || !(divisor > 0) || std::isinf(divisor)) return value_of(sum) / divisor;
  const Magnitude m = magnitude_of(sum);
  if (m.limbs == 0) return 0;
  // divisor = whole 2^exponent
  const uint64_t word = std::bit_cast<uint64_t>(divisor), field = word >> 52, mantissa = word << 12 >> 12;
  uint64_t whole = field != 0 ? mantissa | uint64_t(1) << 52 : mantissa;
  int exponent = static_cast<int>(field != 0 ? field : 1) - 1075;
  const int zeros = std::countr_zero(whole);
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

template <class T>
double quotient(const ExactSum<T>& sum, const ExactSum<T>& divisor) {
  Magnitude a = magnitude_of(sum), b = magnitude_of(divisor);
  if (sum.special != 0 || divisor.special != 0 || b.limbs == 0) return value_of(sum) / value_of(divisor);
  if (a.limbs == 0) return 0;
  const int rise = a.top_bit() - b.top_bit(), n = (a.limbs > b.limbs ? a.limbs : b.limbs) + 1;
  for (int i = a.limbs; i < n; ++i) a.limb[i] = 0;
  for (int i = b.limbs; i < n; ++i) b.limb[i] = 0;
  shift_left(rise < 0 ? a.limb : b.limb, n, rise < 0 ? -rise : rise);
  uint64_t digits = 0;
  for (int i = 0; i < 64; ++i) {
    digits <<= 1;
    if (compare(a.limb, b.limb, n) >= 0) {
      subtract(a.limb, b.limb, n);
      digits |= 1;
    }
    shift_left(a.limb, n, 1);
  }
  bool sticky = false;
  for (int i = 0; i < n; ++i) sticky |= a.limb[i] != 0;
  return round_limbs(a.negative != b.negative, &digits, 1, rise - 63, sticky);
}

template <class T>
void merge(ExactSum<T>& into, const ExactSum<T>& from) {
  uint64_t carry = 0;
  for (int i = 0; i < ExactSumShape<T>::limbs; ++i) {
    const uint64_t part = from.limb[i] + carry;
    carry = part < carry;
    into.limb[i] += part;
    carry += into.limb[i] < part;
  }
  into.special |= from.special;
}

template double value_of(const ExactSum<float>&);
template double value_of(const ExactSum<double>&);
template double quotient(const ExactSum<float>&, double);
template double quotient(const ExactSum<double>&, double);
template double quotient(const ExactSum<float>&, const ExactSum<float>&);
template double quotient(const ExactSum<double>&, const ExactSum<double>&);
template void merge(ExactSum<float>&, const ExactSum<float>&);
template void merge(ExactSum<double>&, const ExactSum<double>&);

}  // namespace losskit
