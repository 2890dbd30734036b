// Adding a block of numbers to an exact sum.
//
// A block lies in the first-level cache. One look finds the exponents of its largest and its smallest number;
// they tell how many windows of 43 bits cover all its digits. The numbers are then split by error-free
// transformation: adding a number to 1.5 2^(a + 52) rounds it to a multiple of 2^a and leaves the rest,
// exactly, for the next window. After the block the windows are read off as integers and added to the long
// integer. Nothing is lost in any step, which needs rounding to nearest, no flushing of denormals, and no
// reassociation by the compiler.
//
// Why 43 bits and 2048 numbers: a lane takes at most 2048 / 16 = 128 numbers. Before a window at 2^a each is
// at most 2^(a + 42), so a lane moves by at most 2^7 (2^42 + 1/2) 2^a < 2^(a + 51) and stays in the binade
// of 1.5 2^(a + 52).
#pragma once

#include "simd/upcoming.h"
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

/** The windows of one block, widest first: each keeps what it can of a number and passes on the rest. */
template <int windows>
struct Windows {
  using D = vec<double, 16>;
  D start, held;
  int at;
  Windows<windows - 1> next;

  /** The first window is at 2^top. */
  LOSSKIT_INLINE explicit Windows(int top) : at(top > -1074 ? top : -1074), next(top - 43) {
    const int64_t word = (int64_t(at + 52 + 1023) << 52) | (int64_t(1) << 51);  // 1.5 2^(at + 52)
    double x;
    __builtin_memcpy(&x, &word, sizeof x);
    start = held = D(x);
  }
  LOSSKIT_INLINE void deposit(D number) {
    const D moved = held + number;
    const D kept = moved - held;
    held = moved;
    next.deposit(fma(kept, D(-1), number));  // number - kept, on the units that multiply
  }
  template <class T>
  LOSSKIT_INLINE void add_to(ExactSum<T>& sum) const {
    // In one binade, differences of bit patterns are differences in units of 2^at.
    add_at(sum, sum_lanes(bits(held) - bits(start)), at - ExactSumShape<T>::unit);
    next.add_to(sum);
  }
};

template <>
struct Windows<0> {
  LOSSKIT_INLINE explicit Windows(int) {}
  LOSSKIT_INLINE void deposit(vec<double, 16>) {}
  template <class T>
  LOSSKIT_INLINE void add_to(ExactSum<T>&) const {}
};

template <int windows, class T>
void add_in_windows(const T* x, size_t n, int top, ExactSum<T>& sum) {
  Windows<windows> w(top);
  for (size_t i = 0; i < n; i += 16) w.deposit(widen(load_some<vec<T, 16>>(x + i, n - i, T(0))));
  w.add_to(sum);
}

/** The same for float32 numbers whose digits span so little that four of them add up in a double without
 * rounding. */
inline void add_in_fours(const float* x, size_t n, int top, ExactSum<float>& sum) {
  using V = vec<float, 16>;
  Windows<2> w(top);
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const auto a = widen(V::load(x + i)) + widen(V::load(x + i + 16));
    const auto b = widen(V::load(x + i + 32)) + widen(V::load(x + i + 48));
    w.deposit(a + b);
  }
  for (; i < n; i += 16) w.deposit(widen(load_some<V>(x + i, n - i, 0.0f)));
  w.add_to(sum);
}

/** Adds n <= kBlock numbers. */
template <class T>
void add_block(const T* x, size_t n, ExactSum<T>& sum, const Upcoming& upcoming = {}) {
  using V = vec<T, 16>;
  using B = Bits<T>;
  using I = typename V::ints;
  using Word = typename B::type;
  constexpr Word magnitude = static_cast<Word>(~B::sign);
  // Largest magnitude, and smallest but for zero: less one, zero becomes the largest word and drops out of
  // the minimum.
  I most(Word(0)), least(Word(-1));
  for (size_t i = 0; i < n; i += 16) {
    upcoming.fetch(i);
    const I word = bits(load_some<V>(x + i, n - i, T(0))) & I(magnitude);
    most = max(most, word);
    least = min_unsigned(least, word - I(Word(1)));
  }
  const Word largest = greatest(most);
  if (largest == 0) return;
  if (largest >= B::exponent) return add_each(x, n, sum);
  const Word smallest = magnitude - greatest(I(magnitude) - (least & I(magnitude))) + 1;

  constexpr int bias = static_cast<int>(B::one >> B::mantissa);
  const auto exponent = [](Word word) {
    const int e = static_cast<int>(word >> B::mantissa);
    return (e > 0 ? e : 1) - bias;
  };
  const int high = exponent(largest), low = exponent(smallest) - B::mantissa;
  const int top = high + 1 - 42;
  if (high > 1012) return add_each(x, n, sum);  // 1.5 2^(top + 52) would overflow
  if (top <= low) return add_in_windows<1>(x, n, top, sum);
  if constexpr (sizeof(T) == 4) {
    if (high + 3 - low <= 53) return add_in_fours(x, n, top + 2, sum);
  }
  if (top - 43 <= low) return add_in_windows<2>(x, n, top, sum);
  if (top - 86 <= low) return add_in_windows<3>(x, n, top, sum);
  if (top - 129 <= low) return add_in_windows<4>(x, n, top, sum);
  add_each(x, n, sum);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
