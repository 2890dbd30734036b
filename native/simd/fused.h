// a b + c of doubles, rounded once, by whole numbers: where the processor has no such operation and the C
// library's is not to be trusted. (Zig's for Windows gives 0 where a product is exact and small.)
#pragma once

#include <stdint.h>

#include <bit>

namespace losskit {
namespace {

/** m 2^e, and its sign. */
struct BinaryNumber {
  unsigned __int128 m;
  int e;
  uint64_t sign;
};

constexpr uint64_t kFractionBits = (uint64_t(1) << 52) - 1, kSignBit = uint64_t(1) << 63;

/** Of a finite number. */
inline BinaryNumber split_double(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x), field = bits >> 52 & 2047,
                 fraction = bits & kFractionBits;
  const int exponent = static_cast<int>(field == 0 ? 1 : field) - 1075;
  return {field == 0 ? fraction : fraction | (kFractionBits + 1), exponent, bits & kSignBit};
}

inline int leading_zeros(unsigned __int128 m) {
  const auto high = static_cast<uint64_t>(m >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(m));
}

/** The same number with its first one at bit 125, so that a sum of two fits. */
inline BinaryNumber with_room(BinaryNumber x) {
  const int shift = leading_zeros(x.m) - 2;
  return {x.m << shift, x.e - shift, x.sign};
}

/** To the nearest double, ties to even. */
inline double rounded_double(BinaryNumber x) {
  const int last = 127 - leading_zeros(x.m);
  const int least = -1074 - x.e, drop = last - 52 > least ? last - 52 : least;
  uint64_t m = 0;
  if (drop <= 0) {
    m = static_cast<uint64_t>(x.m << -drop);
  } else if (drop < 128) {
    const unsigned __int128 half = static_cast<unsigned __int128>(1) << (drop - 1),
                            rest = x.m & (2 * half - 1);
    m = static_cast<uint64_t>(x.m >> drop);
    if (rest > half || (rest == half && (m & 1) != 0)) ++m;
  }
  // m has the leading one of a normal number, which adds one to the exponent below; so does rounding up to
  // the next binade.
  const int field = m > kFractionBits ? x.e + drop + 1074 : 0;
  if (field >= 2046) return std::bit_cast<double>(x.sign | uint64_t(2047) << 52);
  return std::bit_cast<double>(x.sign | ((static_cast<uint64_t>(field) << 52) + m));
}

inline double fused_by_integers(double a, double b, double c) {
  const auto is_finite = [](double x) { return (std::bit_cast<uint64_t>(x) >> 52 & 2047) != 2047; };
  if (!is_finite(a) || !is_finite(b) || a == 0 || b == 0) return a * b + c;
  if (!is_finite(c)) return c;  // whatever a b overflows to
  if (c == 0) return a * b;
  const BinaryNumber x = split_double(a), y = split_double(b);
  BinaryNumber large = with_room({x.m * y.m, x.e + y.e, x.sign ^ y.sign}), small = with_room(split_double(c));
  if (large.e < small.e || (large.e == small.e && large.m < small.m)) {
    const BinaryNumber other = large;
    large = small, small = other;
  }
  // What is lost of the small one makes its last bit odd, so that rounding sees on which side of a tie the
  // sum lies.
  const int shift = large.e - small.e;
  unsigned __int128 aligned = 1;
  if (shift < 127) {
    aligned = small.m >> shift;
    if ((aligned << shift) != small.m) aligned |= 1;
  }
  large.m = large.sign == small.sign ? large.m + aligned : large.m - aligned;
  return large.m == 0 ? 0.0 : rounded_double(large);
}

}  // namespace
}  // namespace losskit
