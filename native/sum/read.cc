#include "sum/read.h"

#include "sum/divide.h"

namespace losskit {
namespace {

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
  return rounded_quotient(sum, divisor);
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
