// The exact sum of floats: additions cut a number into whole parts, which are summed as integers.
//
// Let c = 3 2^(g + 22) and |x| <= 2^(g + 22). Then t = x + c lies between 2^(g + 23) and 2^(g + 24), where
// floats are 2^g apart, so t is c and a whole number of 2^g, at most 2^22 of them: as many as the bits of t,
// read as an integer, exceed those of c. Exact are t - c, a whole number of that size, and x - (t - c), which
// is a multiple of the last digit of x and no larger than x: it is at most 2^(g - 1), and where that is more
// than |x|, t - c is 0. This rest is within the window of g - 23, and its rest within that of g - 46. What
// three cuts leave lies below 2^(g - 46); it is 0 where that is the smallest float.
//
// 511 parts of 2^22 are less than 2^31, so their bits are summed modulo 2^32, and the bits of all the c taken
// away at the end.
#pragma once

#include "cuda/sum.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Three neighbouring windows, of numbers up to `limit`, a power of two. */
struct FloatWindows {
  static constexpr int kCuts = 3, kBits = 23;
  static constexpr int kHeadroom = 8;  // above the numbers that chose it
  // The limits of windows whose last parts are the smallest float, and whose c and t are finite.
  static constexpr float kLowest = 0x1p-81f, kHighest = 0x1p125f;

  float limit;

  /** The windows of a warp whose greatest number has this size, at most kHighest. */
  static LOSSKIT_INLINE FloatWindows of(float size) {
    const float power = bit_copy<float>(bit_copy<int32_t>(size) & Bits<float>::exponent);
    const float chosen = power * (2 << kHeadroom);
    return {chosen < kLowest ? kLowest : chosen > kHighest ? kHighest : chosen};
  }

  LOSSKIT_INLINE float c(int k) const {
    const float scale = k == 0 ? 3.0f : k == 1 ? 0x3p-23f : 0x3p-46f;
    return limit * scale;
  }
  /** Of the unit of the parts, among the block's digits. */
  LOSSKIT_INLINE int position(int k) const {
    return (bit_copy<int32_t>(limit) >> 23) - 127 - 22 - kBits * k - ExactSumShape<float>::unit;
  }

  /** Cuts x, adds the bits of the parts, and says whether there is a rest. */
  LOSSKIT_INLINE bool cut(float x, uint32_t (&bits)[kCuts]) const {
    float whole;
    for (int k = 0; k < kCuts; ++k) {
      const float t = x + c(k);
      bits[k] += bit_copy<uint32_t>(t);
      whole = t - c(k);
      if (k + 1 < kCuts) x = x - whole;
    }
    return x != whole;
  }
  LOSSKIT_INLINE float rest(float x) const {
    for (int k = 0; k < kCuts; ++k) x = x - ((x + c(k)) - c(k));
    return x;
  }
};

/** What can be summed in windows, and the size of the greatest of a warp. */
template <int n>
struct Bounded {
  Some<float, n> x;
  float size;
};

/** Hands the block what no window holds: infinities, NaN, and numbers next to the greatest. */
template <int n>
LOSSKIT_SELDOM Bounded<n> bounded(Some<float, n> x, BlockSum<float>& block) {
  float size = 0;
  for (float& one : x.of) {
    const float a = bit_copy<float>(Parts<float>(one).magnitude);
    if (a <= FloatWindows::kHighest) {
      size = a > size ? a : size;
      continue;
    }
    const unsigned special = Parts<float>(one).special();
    if (special != 0) {
      atomicOr(&block.special, special);
    } else {
      add_number(one, block);
    }
    one = 0;
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    const float other = __shfl_xor_sync(kWarp, size, distance);
    size = other > size ? other : size;
  }
  return {x, size};
}

template <int n>
LOSSKIT_SELDOM void add_rests(Some<float, n> x, FloatWindows windows, BlockSum<float>& block) {
  for (float one : x.of) {
    const float rest = windows.rest(one);
    if (rest != 0) add_number(rest, block);
  }
}

/** The sums of the bits of `count` numbers' parts. */
LOSSKIT_SELDOM void add_parts(Some<uint32_t, FloatWindows::kCuts> bits, int count, FloatWindows windows,
                              BlockSum<float>& block) {
  for (int k = 0; k < FloatWindows::kCuts; ++k) {
    const uint32_t all = bits.of[k] - static_cast<uint32_t>(count) * bit_copy<uint32_t>(windows.c(k));
    add_warp(static_cast<int32_t>(all), windows.position(k), block);
  }
}

template <>
class ThreadSum<float> {
  static constexpr int kMost = 511;  // numbers that a part has room for

 public:
  template <int n>
  LOSSKIT_INLINE void add(const float (&numbers)[n], BlockSum<float>& block) {
    Some<float, n> x;
    bool is_full = count_ + n > kMost, is_beyond = is_full;
    for (int i = 0; i < n; ++i) {
      x.of[i] = numbers[i];
      is_beyond |= !(__builtin_fabsf(x.of[i]) <= windows_.limit);
    }
    if (__any_sync(kWarp, is_beyond)) {
      const Bounded<n> rest = bounded(x, block);
      x = rest.x;
      const bool moves = rest.size > windows_.limit;
      if (moves || is_full) flush(block);
      if (moves) windows_ = FloatWindows::of(rest.size);
    }
    count_ += n;
    bool has_rest = false;
    for (int i = 0; i < n; ++i) has_rest |= windows_.cut(x.of[i], bits_.of);
    if (has_rest) add_rests(x, windows_, block);
  }

  LOSSKIT_INLINE void flush(BlockSum<float>& block) {
    if (count_ == 0) return;
    add_parts(bits_, count_, windows_, block);
    bits_ = {};
    count_ = 0;
  }

 private:
  Some<uint32_t, FloatWindows::kCuts> bits_ = {};
  FloatWindows windows_ = {-1};  // before the first number; nothing fits
  int count_ = 0;                // the same in all threads of the warp
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
