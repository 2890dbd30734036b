#include "cpu/reduce.h"

#include <bit>
#include <cmath>

#include "sum/read.h"

namespace losskit {
namespace {

/** sum = narrow 2^shift */
struct Narrow {
  ExactSum<float> sum;
  int shift;
};

/**
 * Most sums of doubles are digits in a few of their 34 limbs: as many as a sum of floats has. False where
 * they are not, or where a result might leave the range in which scaling by a power of two is exact.
 */
bool narrow(const ExactSum<double>& wide, Narrow& n) {
  constexpr int limbs = ExactSumShape<double>::limbs, few = ExactSumShape<float>::limbs;
  if (wide.special != 0) return false;
  const uint64_t sign = wide.limb[limbs - 1] >> 63 != 0 ? ~uint64_t(0) : 0;
  // Sums of ordinary numbers lie around the middle.
  constexpr int steps = 4;
  int low = 0;
  for (; low < limbs - few; low += steps) {
    uint64_t any = 0;
    for (int i = 0; i < steps; ++i) any |= wide.limb[low + i];
    if (any != 0) break;
  }
  if (low > limbs - few) return false;
  while (low < limbs - few && wide.limb[low] == 0) ++low;
  uint64_t above = 0;
  for (int i = low + few; i < limbs; ++i) above |= wide.limb[i] ^ sign;
  if (above != 0 || (wide.limb[low + few - 1] ^ sign) >> 63 != 0) return false;
  for (int i = 0; i < few; ++i) n.sum.limb[i] = wide.limb[low + i];
  n.sum.special = 0;
  n.shift = 64 * low + ExactSumShape<double>::unit - ExactSumShape<float>::unit;
  return n.shift > -900 && n.shift < 900;
}

/** value 2^shift, if value and result are far from the ends of the range. */
bool scale(double value, int shift, double& result) {
  const int exponent = std::bit_cast<uint64_t>(value) >> 52 & 0x7ff;
  const int scaled = exponent + shift;
  if (exponent < 100 || exponent > 1900 || scaled < 100 || scaled > 1900) return false;
  result = value * std::bit_cast<double>(static_cast<uint64_t>(shift + 1023) << 52);
  return true;
}

/** The sum, if it is above zero and a double holds all its digits. */
bool exact_value(const ExactSum<float>& sum, double& value) {
  constexpr int limbs = ExactSumShape<float>::limbs;
  int low = 0;
  while (low < limbs - 2 && sum.limb[low] == 0) ++low;
  if (sum.limb[low] == 0) return false;
  const int zeros = std::countr_zero(sum.limb[low]);
  const uint64_t next = sum.limb[low + 1];
  const uint64_t digits = zeros == 0 ? sum.limb[low] : sum.limb[low] >> zeros | next << (64 - zeros);
  uint64_t above = sum.special | next >> zeros | digits >> 53;
  for (int i = low + 2; i < limbs; ++i) above |= sum.limb[i];
  if (above != 0) return false;
  const auto field = static_cast<uint64_t>(64 * low + zeros + ExactSumShape<float>::unit + 1023);
  value = static_cast<double>(static_cast<int64_t>(digits)) * std::bit_cast<double>(field << 52);
  return true;
}

/** Where both are doubles, the division rounds once by itself. */
double quotient_of(const ExactSum<float>& sum, double divisor) {
  double value;
  return exact_value(sum, value) ? value / divisor : quotient(sum, divisor);
}

double quotient_of(const ExactSum<double>& sum, double divisor) {
  Narrow n;
  double result;
  if (narrow(sum, n) && scale(quotient_of(n.sum, divisor), n.shift, result)) return result;
  return quotient(sum, divisor);
}

double total_of(const ExactSum<float>& sum) { return value_of(sum); }

double total_of(const ExactSum<double>& sum) {
  Narrow n;
  double result;
  if (narrow(sum, n) && scale(value_of(n.sum), n.shift, result)) return result;
  return value_of(sum);
}

/** Long division bit by bit is left for weights of many digits. */
double quotient_of(const ExactSum<float>& sum, const ExactSum<float>& weight) {
  double divisor;
  return exact_value(weight, divisor) ? quotient_of(sum, divisor) : quotient(sum, weight);
}

double quotient_of(const ExactSum<double>& sum, const ExactSum<double>& weight) {
  Narrow n;
  double narrowed, divisor;
  const bool is_exact =
      narrow(weight, n) && exact_value(n.sum, narrowed) && scale(narrowed, n.shift, divisor);
  return is_exact ? quotient_of(sum, divisor) : quotient(sum, weight);
}

}  // namespace

template <class T>
double reduce(const Sums<T>& sums, bool by_weights, Reduction reduction, double divisor) {
  if (reduction == Reduction::sum) return total_of(sums.total);
  if (!std::isnan(divisor)) return quotient_of(sums.total, divisor);
  return by_weights ? quotient_of(sums.total, sums.weight)
                    : quotient_of(sums.total, static_cast<double>(sums.count));
}

template double reduce(const Sums<float>&, bool, Reduction, double);
template double reduce(const Sums<double>&, bool, Reduction, double);

}  // namespace losskit
