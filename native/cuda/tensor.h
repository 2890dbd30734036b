// Numbers of tensors on the device, of any stored type, one at a time or four neighbours for a thread.
#pragma once

#include "cuda/outcome.h"
#include "simd/cuda.h"
#include "simd/half.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
constexpr Dtype dtype_of = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
template <>
constexpr Dtype dtype_of<int64_t> = Dtype::int64;

template <class S>
LOSSKIT_INLINE S stored(const void* data, uint64_t i) {
  return static_cast<const S*>(data)[i];
}

LOSSKIT_INLINE float from_bf16(uint16_t bits) { return bit_copy<float>(static_cast<uint32_t>(bits) << 16); }
LOSSKIT_INLINE uint16_t to_bf16(float x) { return static_cast<uint16_t>(to_bf16(vec<float, kTeam>(x)).v); }

template <class T>
LOSSKIT_SELDOM T converted_at(const Tensor& t, uint64_t i) {
  switch (t.dtype) {
    case Dtype::float32:
      return static_cast<T>(stored<float>(t.data, i));
    case Dtype::float64:
      return static_cast<T>(stored<double>(t.data, i));
    case Dtype::float16:
      return static_cast<T>(from_half(stored<uint16_t>(t.data, i)));
    case Dtype::bfloat16:
      return static_cast<T>(from_bf16(stored<uint16_t>(t.data, i)));
    case Dtype::int8:
      return static_cast<T>(stored<int8_t>(t.data, i));
    case Dtype::uint8:
      return static_cast<T>(stored<uint8_t>(t.data, i));
    case Dtype::int16:
      return static_cast<T>(stored<int16_t>(t.data, i));
    case Dtype::uint16:
      return static_cast<T>(stored<uint16_t>(t.data, i));
    case Dtype::int32:
      return static_cast<T>(stored<int32_t>(t.data, i));
    case Dtype::uint32:
      return static_cast<T>(stored<uint32_t>(t.data, i));
    case Dtype::int64:
      return static_cast<T>(stored<int64_t>(t.data, i));
    case Dtype::absent:
      break;
  }
  return T(0);
}

/** Number i < size. */
template <class T>
LOSSKIT_INLINE T number_at(const Tensor& t, uint64_t i) {
  return t.dtype == dtype_of<T> ? stored<T>(t.data, i) : converted_at<T>(t, i);
}

/** The same of a tensor of the type of the computation or of a half type, which loops read. */
template <class T>
LOSSKIT_INLINE T float_at(const Tensor& t, uint64_t i) {
  if (t.dtype == dtype_of<T>) return stored<T>(t.data, i);
  const auto half = stored<uint16_t>(t.data, i);
  return static_cast<T>(t.dtype == Dtype::float16 ? from_half(half) : from_bf16(half));
}

/** Number i of a tensor that repeats where it is shorter than the batch. */
template <class T>
LOSSKIT_SELDOM T repeated_at(const Tensor t, uint64_t i) {
  return number_at<T>(t, i < t.size ? i : i % t.size);
}

/** Rounds to the type of the tensor: that of the computation, or a half type. */
template <class T>
LOSSKIT_INLINE void put_float(const MutableTensor& t, uint64_t i, T x) {
  if (t.dtype == dtype_of<T>) {
    static_cast<T*>(t.data)[i] = x;
  } else if constexpr (sizeof(T) == 4) {
    static_cast<uint16_t*>(t.data)[i] = t.dtype == Dtype::float16 ? to_half(x) : to_bf16(x);
  }
}

/** What a thread takes at a time, in one access where memory allows. */
constexpr int kEach = 4;

template <class S>
struct alignas(sizeof(S) * kEach <= 16 ? sizeof(S) * kEach : 16) Four {
  S of[kEach];
};

template <class S>
LOSSKIT_INLINE bool is_aligned(const void* data) {
  return reinterpret_cast<uintptr_t>(data) % alignof(Four<S>) == 0;
}

template <class S>
LOSSKIT_INLINE Four<S> four_at(const void* data, uint64_t i) {
  return *reinterpret_cast<const Four<S>*>(static_cast<const S*>(data) + i);
}

/** Of a half type, or where memory does not allow one access. */
template <class T>
LOSSKIT_SELDOM Four<T> read_others(const Tensor t, uint64_t at, int n) {
  Four<T> x;
  const bool is_half = t.dtype == Dtype::float16 || t.dtype == Dtype::bfloat16;
  if (n == kEach && at + kEach <= t.size && is_half && is_aligned<uint16_t>(t.data)) {
    const Four<uint16_t> four = four_at<uint16_t>(t.data, at);
    const bool brain = t.dtype == Dtype::bfloat16;
    for (int i = 0; i < kEach; ++i) {
      x.of[i] = static_cast<T>(brain ? from_bf16(four.of[i]) : from_half(four.of[i]));
    }
    return x;
  }
#pragma unroll 1
  for (int i = 0; i < kEach; ++i) x.of[i] = i < n ? repeated_at<T>(t, at + static_cast<uint64_t>(i)) : T(0);
  return x;
}

/** Numbers from `at` on, a multiple of 4, of which n <= 4 are there; 0 for the others. */
template <class T>
LOSSKIT_INLINE Four<T> read_each(const Tensor& t, uint64_t at, int n) {
  const bool is_whole = n == kEach && at + kEach <= t.size;
  if (is_whole && t.dtype == dtype_of<T> && is_aligned<T>(t.data)) return four_at<T>(t.data, at);
  return read_others<T>(t, at, n);
}

template <class T>
LOSSKIT_SELDOM void write_others(const MutableTensor t, uint64_t at, int n, Four<T> x) {
  if constexpr (sizeof(T) == 4) {
    if (n == kEach && t.dtype != Dtype::float32 && is_aligned<uint16_t>(t.data)) {
      Four<uint16_t> four;
      const bool brain = t.dtype == Dtype::bfloat16;
      for (int i = 0; i < kEach; ++i) four.of[i] = brain ? to_bf16(x.of[i]) : to_half(x.of[i]);
      *reinterpret_cast<Four<uint16_t>*>(static_cast<uint16_t*>(t.data) + at) = four;
      return;
    }
  }
#pragma unroll 1
  for (int i = 0; i < n; ++i) put_float(t, at + static_cast<uint64_t>(i), x.of[i]);
}

template <class T>
LOSSKIT_INLINE void write_each(const MutableTensor& t, uint64_t at, int n, const Four<T>& x) {
  if (n == kEach && t.dtype == dtype_of<T> && is_aligned<T>(t.data)) {
    *reinterpret_cast<Four<T>*>(static_cast<T*>(t.data) + at) = x;
  } else {
    write_others(t, at, n, x);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
