// The exact sum: a long two's complement integer that holds any sum of 2^63 numbers without rounding.
//
// Adding is adding integers, so the order of the terms, the number of threads and the cut into shards cannot
// be seen in the result; it is rounded once, when it is read. The unit is the smallest positive number of the
// type of the terms.
#pragma once

#include <stdint.h>

namespace losskit {

template <class T>
struct ExactSumShape;
template <>
struct ExactSumShape<float> {
  static constexpr int limbs = 6;  // 2^128 / 2^-149 is 277 bits, 63 for the count, one for the sign
  static constexpr int unit = -149;
};
template <>
struct ExactSumShape<double> {
  static constexpr int limbs = 34;  // 2^1024 / 2^-1074 is 2098 bits
  static constexpr int unit = -1074;
};

enum SpecialTerms : uint64_t { kSawNan = 1, kSawPositiveInfinity = 2, kSawNegativeInfinity = 4 };

template <class T>
struct ExactSum {
  uint64_t limb[ExactSumShape<T>::limbs];  // least significant first
  uint64_t special;                        // SpecialTerms
};

}  // namespace losskit
