#include "sum/read.h"

#include <bit>
#include <cmath>
#include <limits>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace losskit {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostLimbs = ExactSumShape<double>::limbs;

/** A magnitude without leading zero limbs, and its sign. */
struct Magnitude {
  uint64_t limb[kMostLimbs + 1];
  int limbs = 0;
  bool negative = false;

  int top_bit() const { return 64 * limbs - 1 - std::countl_zero(limb[limbs - 1]); }
};

template <class T>
Magnitude magnitude_of(const ExactSum<T>& sum) {
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
double round_once(bool negative, uint64_t leading, int exponent, bool sticky) {
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
double round_limbs(bool negative, const uint64_t* limb, int n, int unit, bool sticky) {
  while (n > 0 && limb[n - 1] == 0) --n;
  if (n == 0) return 0;
  const int zeros = std::countl_zero(limb[n - 1]);
  uint64_t leading = limb[n - 1] << zeros;
  if (zeros > 0 && n > 1) leading |= limb[n - 2] >> (64 - zeros);
  if (n > 1 && (limb[n - 2] << zeros) != 0) sticky = true;
  for (int i = 0; i < n - 2; ++i) sticky |= limb[i] != 0;
  return round_once(negative, leading, unit + 64 * n - 1 - zeros, sticky);
}

/** What IEEE addition gives where a term was infinite or NaN; 0 where none was. */
double special_value(uint64_t special) {
  constexpr uint64_t both = kSawPositiveInfinity | kSawNegativeInfinity;
  if (special == 0) return 0;
  if ((special & kSawNan) != 0 || (special & both) == both) return std::numeric_limits<double>::quiet_NaN();
  return (special & kSawPositiveInfinity) != 0 ? kInfinity : -kInfinity;
}

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
  if (sum.special != 0) return special_value(sum.special);
  const Magnitude m = magnitude_of(sum);
  return round_limbs(m.negative, m.limb, m.limbs, ExactSumShape<T>::unit, false);
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
