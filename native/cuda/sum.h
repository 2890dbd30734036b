// Exact sums by the threads of a block.
//
// A warp chooses a window of exponents by the numbers it has, and each of its threads sums what falls into it
// as integers, in registers. What lies below the window goes to the block's digits at once, which is slow and
// rare; what lies above it moves the window. At the end the warp adds up its parts by shuffles, the block its
// digits in shared memory, and the grid the digits of the blocks in the outcome. Floats are cut into parts by
// additions (float_sum.h), doubles, which few GPUs add fast, as integers: a number's digits, shifted to their
// place in the window, become parts, each of which has room for a million more.
#pragma once

#include "cuda/outcome.h"
#include "simd/cuda.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kWarp = 0xffffffff;

/** The digits of a block, in shared memory. */
template <class T>
struct BlockSum {
  Word digit[kDigits<T>];
  unsigned special;
};

/** By all threads of the block; a barrier must follow. */
template <class T>
LOSSKIT_INLINE void clear(BlockSum<T>& sum) {
  for (int i = static_cast<int>(threadIdx.x); i < kDigits<T>; i += static_cast<int>(blockDim.x))
    sum.digit[i] = 0;
  if (threadIdx.x == 0) sum.special = 0;
}

/** Adds value 2^position. */
template <class T>
LOSSKIT_SELDOM void add_at(BlockSum<T>& sum, int64_t value, int position) {
  if (value == 0) return;
  const int digit = position >> 5, shift = position & 31;
  const uint64_t low = static_cast<uint64_t>(value) << shift;
  const int64_t high = shift == 0 ? value >> 63 : value >> (64 - shift);
  atomicAdd(&sum.digit[digit], static_cast<Word>(low & 0xffffffff));
  if (digit + 1 < kDigits<T>) atomicAdd(&sum.digit[digit + 1], static_cast<Word>(low >> 32));
  if (digit + 2 < kDigits<T> && high != 0) atomicAdd(&sum.digit[digit + 2], static_cast<Word>(high));
}

/** A finite number as integer digits 2^position. */
template <class T>
struct Parts {
  typename Bits<T>::type magnitude;
  bool is_negative;

  LOSSKIT_INLINE explicit Parts(T x) {
    const auto word = bit_copy<typename Bits<T>::type>(x);
    magnitude = word & static_cast<typename Bits<T>::type>(~Bits<T>::sign);
    is_negative = word < 0;
  }
  LOSSKIT_INLINE bool is_special() const { return magnitude >= Bits<T>::exponent; }
  LOSSKIT_INLINE int exponent() const { return static_cast<int>(magnitude >> Bits<T>::mantissa); }
  LOSSKIT_INLINE int position() const { return exponent() > 0 ? exponent() - 1 : 0; }
  LOSSKIT_INLINE uint64_t digits() const {
    constexpr auto implicit = typename Bits<T>::type(1) << Bits<T>::mantissa;
    return static_cast<uint64_t>(exponent() > 0 ? (magnitude & (implicit - 1)) | implicit : magnitude);
  }
  LOSSKIT_INLINE unsigned special() const {
    if (!is_special()) return 0;
    return magnitude > Bits<T>::exponent ? kSawNan
           : is_negative                 ? kSawNegativeInfinity
                                         : kSawPositiveInfinity;
  }
};

/** Numbers of a thread, in registers also where they are handed to a function. */
template <class T, int n>
struct Some {
  T of[n];
};

template <class T>
LOSSKIT_INLINE void add_number(T x, BlockSum<T>& block) {
  const Parts<T> p(x);
  const auto digits = static_cast<int64_t>(p.digits());
  add_at(block, p.is_negative ? -digits : digits, p.position());
}

/** Adds numbers to the block's digits one by one. */
template <class T, int n>
LOSSKIT_SELDOM void add_each(Some<T, n> x, BlockSum<T>& block) {
  for (T one : x.of) add_number(one, block);
}

/** Adds what the threads of a warp have, each times 2^position. */
template <class T>
LOSSKIT_SELDOM void add_warp(int64_t all, int position, BlockSum<T>& block) {
  for (int distance = 16; distance > 0; distance /= 2) all += __shfl_xor_sync(kWarp, all, distance);
  if ((threadIdx.x & 31) == 0) add_at(block, all, position);
}

/** The share of a thread in the sum of its warp. Its functions are for all threads of a warp together. */
template <class T>
class ThreadSum {
  static constexpr int kBits = 34;  // of a part
  static constexpr int kParts = 3;
  static constexpr int kSpan = kBits * kParts - (Bits<T>::mantissa + 1);  // shifts that fit the window
  static constexpr int kHeadroom = 8;                                     // above the numbers that chose it
  static constexpr int kMost = 1 << 20;                                   // numbers that a part has room for

 public:
  /** Adds n numbers of each thread; 0 where it has none. */
  template <int n>
  LOSSKIT_INLINE void add(const T (&x)[n], BlockSum<T>& block) {
    int above = -1;  // the highest position beyond the window
    for (int i = 0; i < n; ++i) {
      const Parts<T> p(x[i]);
      special_ |= p.special();
      if (p.magnitude != 0 && !p.is_special() && p.position() > base_ + kSpan && p.position() > above)
        above = p.position();
    }
    if (__any_sync(kWarp, above >= 0)) move(above, block);
    if ((count_ += n) > kMost) flush(block);
    Some<T, n> below;
    bool is_below = false;
    for (int i = 0; i < n; ++i) {
      const Parts<T> p(x[i]);
      const bool counts = p.magnitude != 0 && !p.is_special();
      const int shift = p.position() - base_;
      below.of[i] = counts && shift < 0 ? x[i] : T(0);
      is_below |= counts && shift < 0;
      if (!counts || shift < 0) continue;
      unsigned __int128 rest = static_cast<unsigned __int128>(p.digits()) << shift;
      for (int k = 0; k < kParts; ++k) {
        const auto part = static_cast<int64_t>(static_cast<uint64_t>(rest) & ((uint64_t(1) << kBits) - 1));
        part_[k] += p.is_negative ? -part : part;
        rest >>= kBits;
      }
    }
    if (is_below) add_each(below, block);
  }

  /** Hands all it has to the block. */
  LOSSKIT_INLINE void flush(BlockSum<T>& block) {
    for (int k = 0; k < kParts; ++k) {
      add_warp(part_[k], base_ + k * kBits, block);
      part_[k] = 0;
    }
    count_ = 0;
    if (special_ != 0) atomicOr(&block.special, special_);
    special_ = 0;
  }

 private:
  int64_t part_[kParts] = {};
  int base_ = -kSpan - 1;  // before the first number; nothing fits
  int count_ = 0;
  unsigned special_ = 0;

  LOSSKIT_INLINE void move(int above, BlockSum<T>& block) {
    for (int distance = 16; distance > 0; distance /= 2) {
      const int other = __shfl_xor_sync(kWarp, above, distance);
      above = other > above ? other : above;
    }
    if (base_ >= 0) flush(block);
    const int base = above - kSpan + kHeadroom;
    base_ = base < 0 ? 0 : base;
  }
};

/** Adds what the block has to the outcome's digits; by all its threads, after a barrier. */
template <class T>
LOSSKIT_INLINE void add_to(const BlockSum<T>& sum, Word* digits, unsigned* special) {
  for (int i = static_cast<int>(threadIdx.x); i < kDigits<T>; i += static_cast<int>(blockDim.x)) {
    // In two halves that no number of blocks overflows: what is beyond 32 bits belongs to the next digit.
    const auto digit = static_cast<int64_t>(sum.digit[i]);
    if (digit == 0) continue;
    atomicAdd(&digits[i], static_cast<Word>(digit & 0xffffffff));
    if (i + 1 < kDigits<T>) atomicAdd(&digits[i + 1], static_cast<Word>(digit >> 32));
  }
  if (threadIdx.x == 0 && sum.special != 0) atomicOr(special, sum.special);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
