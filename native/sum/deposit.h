// Adding a block of numbers to an exact sum.
//
// A block lies in the first-level cache. The exponents of its largest and its smallest number, which the loop
// that made the block can note on the way, tell how many windows cover all its digits. The numbers are then
// split by error-free transformation: adding a number to 1.5 2^(a + m), m being the bits of the mantissa,
// rounds it to a multiple of 2^a and leaves the rest, exactly, for the next window. After some numbers the
// windows are read off as integers and added to the long integer. Nothing is lost in any step, which needs
// rounding to nearest, no flushing of denormals, and no reassociation by the compiler.
//
// How wide a window is: it must hold its numbers without leaving the binade of 1.5 2^(a + m), that is, move
// by less than 2^(a + m - 1). A window of doubles of 43 bits takes 128 numbers in a lane: before it each is
// at most 2^(a + 42), and 2^7 (2^42 + 1/2) < 2^51. One of floats takes 8: at most 2^(a + 18) each, and 2^3
// (2^18 + 1/2) < 2^22. What one leaves is at most 2^(a - 1), so that the next lies 43 bits lower, or 19.
#pragma once

#include "simd/vec.h"
#include "sum/exact_sum.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr size_t kBlock = 2048;

/** Adds value 2^position; position counts from the unit of the sum, and bits below the unit are zero. */
template <class T>
LOSSKIT_INLINE void add_at(ExactSum<T>& sum, int64_t value, int position) {
  if (position < 0) {
    value = position > -64 ? value >> -position : 0;
    position = 0;
  }
  constexpr int limbs = ExactSumShape<T>::limbs;
  const int index = position >> 6, shift = position & 63;
  const uint64_t low = static_cast<uint64_t>(value) << shift;
  const uint64_t high = static_cast<uint64_t>(shift == 0 ? value >> 63 : value >> (64 - shift));
  const uint64_t extension = value < 0 ? ~uint64_t(0) : 0;
  sum.limb[index] += low;
  uint64_t carry = sum.limb[index] < low;
  if (index + 1 >= limbs) return;
  const uint64_t with_carry = high + carry;
  carry = with_carry < carry;
  sum.limb[index + 1] += with_carry;
  carry += sum.limb[index + 1] < with_carry;
  // -1 and a carry cancel, as do 0 and no carry: from there on nothing changes.
  for (int i = index + 2; i < limbs && extension + carry != 0; ++i) {
    const uint64_t addend = extension + carry;
    sum.limb[i] += addend;
    carry = (addend < carry) | (sum.limb[i] < addend);
  }
}

/** One number at a time: for blocks with infinities or NaN, and for ranges of exponents no few windows can
 * cover. */
template <class T>
void add_each(const T* x, size_t n, ExactSum<T>& sum) {
  using B = Bits<T>;
  using I = typename B::type;
  for (size_t i = 0; i < n; ++i) {
    I word;
    __builtin_memcpy(&word, x + i, sizeof word);
    const I magnitude = word & static_cast<I>(~B::sign);
    if (magnitude >= B::exponent) {
      sum.special |= magnitude > B::exponent ? kSawNan
                     : word < 0              ? kSawNegativeInfinity
                                             : kSawPositiveInfinity;
      continue;
    }
    const int exponent = static_cast<int>(magnitude >> B::mantissa);
    constexpr I implicit = I(1) << B::mantissa;
    const int64_t digits = exponent > 0 ? (magnitude & (implicit - 1)) | implicit : magnitude;
    add_at(sum, word < 0 ? -digits : digits, exponent > 0 ? exponent - 1 : 0);
  }
}

/** Finite floats, one at a time, where a register holds no more: sixteen neighbouring exponents share a
 * 64-bit integer, which takes 2^24 of their numbers. */
inline void add_in_bins(const float* x, size_t n, ExactSum<float>& sum) {
  using B = Bits<float>;
  int64_t bins[16] = {};
  for (size_t i = 0; i < n; ++i) {
    int32_t word;
    __builtin_memcpy(&word, x + i, sizeof word);
    const int32_t magnitude = word & ~B::sign, exponent = magnitude >> B::mantissa;
    constexpr int32_t implicit = int32_t(1) << B::mantissa;
    const int64_t digits = exponent > 0 ? (magnitude & (implicit - 1)) | implicit : magnitude;
    const int position = exponent > 0 ? exponent - 1 : 0;
    const int64_t placed = digits << (position & 15);
    bins[position >> 4] += word < 0 ? -placed : placed;
  }
  for (int k = 0; k < 16; ++k) add_at(sum, bins[k], 16 * k);
}

/** Where a window lies that is wanted at 2^at: not below the unit of the sum. */
template <class T>
LOSSKIT_INLINE int window_at(int wanted) {
  constexpr int unit = ExactSumShape<T>::unit;
  return wanted > unit ? wanted : unit;
}

/** What a window at 2^at holds before the first number: 1.5 2^(at + mantissa). */
template <class V>
LOSSKIT_INLINE V empty_window(int at) {
  using B = Bits<typename V::scalar>;
  using Word = typename B::type;
  constexpr int bias = static_cast<int>(B::one >> B::mantissa);
  return V(bit_copy<typename V::scalar>(static_cast<Word>(
      (static_cast<Word>(at + B::mantissa + bias) << B::mantissa) | (Word(1) << (B::mantissa - 1)))));
}

/** Windows, the first at 2^top, each `step` bits below the one before. They hold nothing but what
 * changes: a loop keeps them in registers. */
template <class V, int windows>
struct Windows {
  V held;
  Windows<V, windows - 1> next;

  LOSSKIT_INLINE Windows(int top, int step)
      : held(empty_window<V>(window_at<typename V::scalar>(top))), next(top - step, step) {}
  /** Keeps what it can of a number; the rest is for the next. Half of the work goes to the units that
   * multiply. */
  LOSSKIT_INLINE void deposit(V number) {
    const V moved = held + number;
    const V kept = fma(held, V(-1), moved);
    held = moved;
    next.deposit(fma(kept, V(-1), number));
  }
  /** Adds to `moved` what each moved since `start`: in one binade, differences of bit patterns are
   * differences in units of 2^at. */
  LOSSKIT_INLINE void note(const Windows& start, typename V::ints* moved) const {
    *moved = *moved + (bits(held) - bits(start.held));
    next.note(start.next, moved + 1);
  }
};
/** The last window leaves nothing. */
template <class V>
struct Windows<V, 1> {
  V held;

  LOSSKIT_INLINE Windows(int top, int) : held(empty_window<V>(window_at<typename V::scalar>(top))) {}
  LOSSKIT_INLINE void deposit(V number) { held = held + number; }
  LOSSKIT_INLINE void note(const Windows& start, typename V::ints* moved) const {
    *moved = *moved + (bits(held) - bits(start.held));
  }
};

/** In doubles, which take numbers of any range. */
template <int windows, class T>
void add_in_windows(const T* x, size_t n, int top, ExactSum<T>& sum) {
  using V = vec<double, 16>;
  constexpr int step = 43;
  const Windows<V, windows> start(top, step);
  Windows<V, windows> w = start;
  for (size_t i = 0; i < n; i += 16) {
    w.deposit(widen(load_some<vec<T, 16>>(x + i, n - i, T(0))));
  }
  V::ints moved[windows];
  for (auto& m : moved) m = 0;
  w.note(start, moved);
  for (int k = 0; k < windows; ++k) {
    // These windows are of doubles, whatever T is: they may lie below the unit of its sum.
    add_at(sum, sum_lanes(moved[k]), window_at<double>(top - k * step) - ExactSumShape<T>::unit);
  }
}

/** How far float windows lie apart, and how many numbers a lane of one takes. */
constexpr int kNarrowBits = 19, kNarrowDepth = 8;

/** Adds what float windows, the first at 2^top, moved in all: one sum of integers for each. */
template <class V>
void add_moved(const typename V::ints* moved, int windows, int top, ExactSum<float>& sum) {
  for (int k = 0; k < windows; ++k) {
    int32_t lanes[V::lanes];
    moved[k].store(lanes);
    int64_t all = 0;
    for (int32_t lane : lanes) all += lane;
    add_at(sum, all, window_at<float>(top - k * kNarrowBits) - ExactSumShape<float>::unit);
  }
}

/** In floats, which need no conversion: for numbers whose digits span little, as those of most blocks do.
 * What windows moved after eight numbers in a lane, less than 2^22, is summed as an integer, sixteen times a
 * block. */
template <int windows>
void add_in_narrow_windows(const float* x, size_t n, int top, ExactSum<float>& sum) {
  using V = vec<float, 16>;
  constexpr size_t run = kNarrowDepth * V::lanes;
  const Windows<V, windows> start(top, kNarrowBits);
  V::ints moved[windows];
  for (auto& m : moved) m = 0;
  size_t i = 0;
  for (; i + run <= n; i += run) {
    Windows<V, windows> w = start;
    for (size_t k = 0; k < run; k += V::lanes) w.deposit(V::load(x + i + k));
    w.note(start, moved);
  }
  Windows<V, windows> w = start;
  for (; i < n; i += V::lanes) w.deposit(load_some<V>(x + i, n - i, 0.0f));
  w.note(start, moved);
  add_moved<V>(moved, windows, top, sum);
}

/** The largest and the smallest magnitude among some numbers, as words. */
template <class V>
struct Range {
  using T = typename V::scalar;
  using Word = typename Bits<T>::type;
  using I = typename V::ints;
  static constexpr Word kMagnitude = static_cast<Word>(~Bits<T>::sign);
  // The smallest less one: zero becomes the largest word and drops out of the minimum.
  I most = I(Word(0)), least = I(Word(-1));

  LOSSKIT_INLINE void note(V x) {
    const I word = bits(x) & I(kMagnitude);
    most = max(most, word);
    least = min_unsigned(least, word - I(Word(1)));
  }
  LOSSKIT_INLINE Word largest() const { return greatest(most); }
  /** But zero: of numbers that are not all zero. */
  LOSSKIT_INLINE Word smallest() const {
    return kMagnitude - greatest(I(kMagnitude) - (least & I(kMagnitude))) + 1;
  }
};

/** The exponents that windows must cover. */
struct Span {
  int above, lowest;  // all numbers are less than 2^above and multiples of 2^lowest

  template <class V>
  LOSSKIT_INLINE static Span of(const Range<V>& range) {
    using B = Bits<typename V::scalar>;
    constexpr int bias = static_cast<int>(B::one >> B::mantissa);
    const auto exponent = [](typename B::type word) {
      const int e = static_cast<int>(word >> B::mantissa);
      return (e > 0 ? e : 1) - bias;
    };
    return {exponent(range.largest()) + 1, exponent(range.smallest()) - B::mantissa};
  }
  /** Whether that many float windows do. */
  LOSSKIT_INLINE bool is_narrow(int windows) const {
    return above - kNarrowBits * windows + 1 <= lowest && above < 121;
  }
  LOSSKIT_INLINE int narrow_top() const { return above - (kNarrowBits - 1); }
};

/** Adds n <= kBlock numbers of a range. */
template <class T, class V>
void add_block(const T* x, size_t n, const Range<V>& range, ExactSum<T>& sum) {
  const auto largest = range.largest();
  if (largest == 0) return;
  if (largest >= Bits<T>::exponent) return add_each(x, n, sum);
  if constexpr (sizeof(T) == 4 && native_lanes<float> == 1) return add_in_bins(x, n, sum);
  const Span span = Span::of(range);
  if constexpr (sizeof(T) == 4) {
    if (span.is_narrow(2)) return add_in_narrow_windows<2>(x, n, span.narrow_top(), sum);
    if (span.is_narrow(3)) return add_in_narrow_windows<3>(x, n, span.narrow_top(), sum);
  }
  const int top = span.above - 42;
  if (span.above > 1013) return add_each(x, n, sum);  // 1.5 2^(top + 52) would overflow
  if (sizeof(T) == 8 && top <= span.lowest) return add_in_windows<1>(x, n, top, sum);
  if (top - 43 <= span.lowest) return add_in_windows<2>(x, n, top, sum);
  if (top - 86 <= span.lowest) return add_in_windows<3>(x, n, top, sum);
  if (top - 129 <= span.lowest) return add_in_windows<4>(x, n, top, sum);
  add_each(x, n, sum);
}

/** The same for numbers of which nothing is known. */
template <class T>
void add_block(const T* x, size_t n, ExactSum<T>& sum) {
  using V = vec<T, 16>;
  Range<V> range;
  for (size_t i = 0; i < n; i += 16) range.note(load_some<V>(x + i, n - i, T(0)));
  add_block(x, n, range, sum);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
