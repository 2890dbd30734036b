// vec<T, N>: N numbers that one operator works on at once.
//
// A formula written over it reads as the formula and runs on every machine. Each instruction set supplies the
// widths its registers have (avx512.h, avx2.h, neon.h, scalar.h); every other width is two vectors of half
// that width, so a driver may ask for 16 lanes anywhere, which is how row sums get one canonical order. Loads
// and stores take a count, so a body and its tail are the same line of code. Operations are IEEE, one
// rounding each, and therefore give the same bits on every instruction set: + - * / fma sqrt, comparisons,
// and integer operations on the bits.
//
// Everything here has internal linkage: this header is compiled once per instruction set, with different
// flags, and no two of those copies may be merged by the linker.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The build may say LOSSKIT_INLINE=inline, and does so for the scalar code: sixteen numbers one at a time
// make long functions, and inlining each into every other would cost the compiler minutes for nothing.
// LOSSKIT_FUNCTION is for what need not be inlined: on a GPU it too has to be said to run there.
// LOSSKIT_UNROLLED is for steps of a recursion that stands for a loop: inlined even there, for a call a step
// would cost more than the step.
#if defined(LOSSKIT_CUDA)
#define LOSSKIT_LAMBDA
#define LOSSKIT_INLINE __device__ __forceinline__
#define LOSSKIT_FUNCTION __device__ inline
#define LOSSKIT_UNROLLED LOSSKIT_INLINE
#else
#define LOSSKIT_FUNCTION inline
#if defined(_MSC_VER)
#define LOSSKIT_LAMBDA
#define LOSSKIT_UNROLLED __forceinline
#else
#define LOSSKIT_LAMBDA __attribute__((always_inline))
#define LOSSKIT_UNROLLED inline __attribute__((always_inline))
#endif
#if !defined(LOSSKIT_INLINE)
#define LOSSKIT_INLINE LOSSKIT_UNROLLED
#endif
#endif

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class To, class From>
LOSSKIT_INLINE To bit_copy(From x) {
  To y;
  memcpy(&y, &x, sizeof y);
  return y;
}

template <class T>
struct Bits;
template <>
struct Bits<float> {
  using type = int32_t;
  static constexpr int mantissa = 23;
  static constexpr int32_t sign = INT32_MIN, exponent = 0x7f800000, one = 0x3f800000, sqrt_half = 0x3f3504f3;
  static constexpr int32_t smallest_normal = 0x00800000;
};
template <>
struct Bits<double> {
  using type = int64_t;
  static constexpr int mantissa = 52;
  static constexpr int64_t sign = INT64_MIN, exponent = 0x7ff0000000000000, one = 0x3ff0000000000000,
                           sqrt_half = 0x3fe6a09e667f3bcd;
  static constexpr int64_t smallest_normal = 0x0010000000000000;
};

/** Lanes of the widest register this instruction set has for T; each instruction set specialises it. */
template <class T>
constexpr int native_lanes = 1;

/** The integers under a vec of T: what tricks with the bits of numbers need. Of a width that no register has:
 * two halves. */
template <class I, int N>
struct ivec {
  using half = ivec<I, N / 2>;
  half lo, hi;

  ivec() = default;
  LOSSKIT_INLINE ivec(I x) : lo(x), hi(x) {}
  LOSSKIT_INLINE ivec(half l, half h) : lo(l), hi(h) {}
  LOSSKIT_INLINE void store(I* p) const { lo.store(p), hi.store(p + N / 2); }

  friend LOSSKIT_INLINE ivec operator+(ivec a, ivec b) { return {a.lo + b.lo, a.hi + b.hi}; }
  friend LOSSKIT_INLINE ivec operator-(ivec a, ivec b) { return {a.lo - b.lo, a.hi - b.hi}; }
  friend LOSSKIT_INLINE ivec operator&(ivec a, ivec b) { return {a.lo & b.lo, a.hi & b.hi}; }
  friend LOSSKIT_INLINE ivec operator|(ivec a, ivec b) { return {a.lo | b.lo, a.hi | b.hi}; }
  friend LOSSKIT_INLINE ivec operator^(ivec a, ivec b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }
  friend LOSSKIT_INLINE ivec operator<<(ivec a, int count) { return {a.lo << count, a.hi << count}; }
  /** Fills with zeros. */
  friend LOSSKIT_INLINE ivec operator>>(ivec a, int count) { return {a.lo >> count, a.hi >> count}; }
  friend LOSSKIT_INLINE ivec min_unsigned(ivec a, ivec b) {
    return {min_unsigned(a.lo, b.lo), min_unsigned(a.hi, b.hi)};
  }
  friend LOSSKIT_INLINE ivec max(ivec a, ivec b) { return {max(a.lo, b.lo), max(a.hi, b.hi)}; }
};

/** 1.5 2^mantissa: adding it rounds to a whole number, which then stands in the low bits. */
template <class T>
constexpr T round_magic = T(3) * T(typename Bits<T>::type(1) << (Bits<T>::mantissa - 1));

/** Its bits: those of a number so rounded, less these, are the whole number. */
template <class T>
constexpr typename Bits<T>::type round_magic_bits = (((Bits<T>::one >> Bits<T>::mantissa) + Bits<T>::mantissa)
                                                     << Bits<T>::mantissa) +
                                                    (typename Bits<T>::type(1) << (Bits<T>::mantissa - 1));

/** 2^k for a whole number k within the exponents of normal numbers. */
template <class V>
LOSSKIT_INLINE V power_of_two(V k) {
  using T = typename V::scalar;
  using B = Bits<T>;
  constexpr T bias = T(B::one >> B::mantissa);
  return V::from_bits(bits(k + V(round_magic<T> + bias)) << B::mantissa);
}

/** y 2^n by two factors, of which only the second can round. */
template <class V>
LOSSKIT_INLINE V scale_by_two_powers(V y, V n) {
  using T = typename V::scalar;
  const V first = fma(n, V(T(0.5)), V(round_magic<T>)) - V(round_magic<T>);
  return y * power_of_two(first) * power_of_two(n - first);
}

/** The vector of a width that no register has: two halves. */
template <class T, int N>
struct vec {
  static constexpr int lanes = N;
  using scalar = T;
  using ints = ivec<typename Bits<T>::type, N>;
  using half = vec<T, N / 2>;
  half lo, hi;

  vec() = default;
  LOSSKIT_INLINE vec(T x) : lo(x), hi(x) {}
  LOSSKIT_INLINE vec(half l, half h) : lo(l), hi(h) {}

  static LOSSKIT_INLINE vec load(const T* p) { return {half::load(p), half::load(p + N / 2)}; }
  static LOSSKIT_INLINE vec load(const T* p, size_t n, T fill) {
    constexpr size_t h = N / 2;
    return n >= h ? vec{half::load(p), half::load(p + h, n - h, fill)}
                  : vec{half::load(p, n, fill), half(fill)};
  }
  LOSSKIT_INLINE void store(T* p) const { lo.store(p), hi.store(p + N / 2); }
  LOSSKIT_INLINE void store(T* p, size_t n) const {
    constexpr size_t h = N / 2;
    if (n >= h) {
      lo.store(p), hi.store(p + h, n - h);
    } else {
      lo.store(p, n);
    }
  }
  /** Stores past the caches; p is aligned to the width of a register. */
  LOSSKIT_INLINE void stream(T* p) const { lo.stream(p), hi.stream(p + N / 2); }

  struct mask {
    typename half::mask lo, hi;
    friend LOSSKIT_INLINE mask operator&(mask a, mask b) { return {a.lo & b.lo, a.hi & b.hi}; }
    friend LOSSKIT_INLINE mask operator|(mask a, mask b) { return {a.lo | b.lo, a.hi | b.hi}; }
    friend LOSSKIT_INLINE bool any(mask m) { return any(m.lo | m.hi); }
  };

  static LOSSKIT_INLINE vec from_bits(ints i) { return {half::from_bits(i.lo), half::from_bits(i.hi)}; }
  friend LOSSKIT_INLINE ints bits(vec a) { return {bits(a.lo), bits(a.hi)}; }

  friend LOSSKIT_INLINE vec operator+(vec a, vec b) { return {a.lo + b.lo, a.hi + b.hi}; }
  friend LOSSKIT_INLINE vec operator-(vec a, vec b) { return {a.lo - b.lo, a.hi - b.hi}; }
  friend LOSSKIT_INLINE vec operator*(vec a, vec b) { return {a.lo * b.lo, a.hi * b.hi}; }
  friend LOSSKIT_INLINE vec operator/(vec a, vec b) { return {a.lo / b.lo, a.hi / b.hi}; }
  friend LOSSKIT_INLINE vec fma(vec a, vec b, vec c) {
    return {fma(a.lo, b.lo, c.lo), fma(a.hi, b.hi, c.hi)};
  }
  friend LOSSKIT_INLINE vec sqrt(vec a) { return {sqrt(a.lo), sqrt(a.hi)}; }
  friend LOSSKIT_INLINE mask operator<(vec a, vec b) { return {a.lo < b.lo, a.hi < b.hi}; }
  friend LOSSKIT_INLINE mask operator<=(vec a, vec b) { return {a.lo <= b.lo, a.hi <= b.hi}; }
  friend LOSSKIT_INLINE mask operator==(vec a, vec b) { return {a.lo == b.lo, a.hi == b.hi}; }
  friend LOSSKIT_INLINE vec select(mask m, vec a, vec b) {
    return {select(m.lo, a.lo, b.lo), select(m.hi, a.hi, b.hi)};
  }
  /** a < b ? a : b, so that a NaN in b passes and one in a does not. */
  friend LOSSKIT_INLINE vec min(vec a, vec b) { return {min(a.lo, b.lo), min(a.hi, b.hi)}; }
  friend LOSSKIT_INLINE vec max(vec a, vec b) { return {max(a.lo, b.lo), max(a.hi, b.hi)}; }
  /** y 2^n, rounded once; n a whole number, and y so near 1 that only the last step can round. */
  friend LOSSKIT_INLINE vec scale(vec y, vec n) { return {scale(y.lo, n.lo), scale(y.hi, n.hi)}; }
};

template <int N>
LOSSKIT_INLINE vec<double, N> widen(vec<float, N> a) {
  return {widen(a.lo), widen(a.hi)};
}
template <int N>
LOSSKIT_INLINE vec<double, N> widen(vec<double, N> a) {
  return a;
}
template <int N>
LOSSKIT_INLINE vec<float, N> narrow(vec<double, N> a) {
  return {narrow(a.lo), narrow(a.hi)};
}

template <class T, int N>
LOSSKIT_INLINE typename vec<T, N>::mask operator>(vec<T, N> a, vec<T, N> b) {
  return b < a;
}
template <class T, int N>
LOSSKIT_INLINE typename vec<T, N>::mask operator>=(vec<T, N> a, vec<T, N> b) {
  return b <= a;
}
template <class T, int N>
LOSSKIT_INLINE vec<T, N> operator-(vec<T, N> a) {
  return vec<T, N>::from_bits(bits(a) ^ Bits<T>::sign);
}
template <class T, int N>
LOSSKIT_INLINE vec<T, N> abs(vec<T, N> a) {
  return vec<T, N>::from_bits(bits(a) & static_cast<typename Bits<T>::type>(~Bits<T>::sign));
}
template <class T, int N>
LOSSKIT_INLINE vec<T, N> copysign(vec<T, N> magnitude, vec<T, N> sign) {
  return vec<T, N>::from_bits(bits(abs(magnitude)) | (bits(sign) & Bits<T>::sign));
}

/** A whole vector, or the last n < N numbers and the rest filled: how loops load that have one body for both.
 */
template <class V>
LOSSKIT_INLINE V load_some(const typename V::scalar* p, size_t n, typename V::scalar fill) {
  return n >= size_t(V::lanes) ? V::load(p) : V::load(p, n, fill);
}

/** The first lane's number. */
template <class T, int N>
LOSSKIT_INLINE T first_lane(vec<T, N> a) {
  T lanes[N];
  a.store(lanes);
  return lanes[0];
}

// Across the lanes. All fold the upper half onto the lower until one lane is left, which is the canonical
// order of a row's sum; an instruction set supplies them for its own widths.

template <class T, int N>
LOSSKIT_INLINE T sum_lanes(vec<T, N> a) {
  return sum_lanes(a.lo + a.hi);
}
/** No lane may be NaN. */
template <class T, int N>
LOSSKIT_INLINE T greatest(vec<T, N> a) {
  return greatest(max(a.lo, a.hi));
}
template <class I, int N>
LOSSKIT_INLINE I sum_lanes(ivec<I, N> a) {
  return sum_lanes(a.lo + a.hi);
}
template <class I, int N>
LOSSKIT_INLINE I greatest(ivec<I, N> a) {
  return greatest(max(a.lo, a.hi));
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
