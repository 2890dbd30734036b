// Numbers of tensors on the device, of any stored type, one at a time or four neighbours for a thread.
#pragma once

#include "cuda/halves.h"
#include "cuda/outcome.h"

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
template <class S>
LOSSKIT_INLINE void put_four(void* data, uint64_t i, const Four<S>& x) {
  *reinterpret_cast<Four<S>*>(static_cast<S*>(data) + i) = x;
}

/** The same of what is not looked at again soon. */
template <class S>
LOSSKIT_INLINE void stream_four(void* data, uint64_t i, const Four<S>& x) {
  constexpr int words = sizeof(Four<S>) / sizeof(uint4);
  struct Words {
    uint4 of[words];
  };
  const Words written = bit_copy<Words>(x);
  auto* to = reinterpret_cast<uint4*>(static_cast<S*>(data) + i);
  for (int k = 0; k < words; ++k) __stcs(to + k, written.of[k]);
}

LOSSKIT_INLINE bool is_half(Dtype dtype) { return dtype == Dtype::float16 || dtype == Dtype::bfloat16; }

/** Four numbers of a half type in two words. */
template <class T>
LOSSKIT_INLINE Four<T> four_of_halves(uint2 words, bool is_brain) {
  const float2 low = from_halves(words.x, is_brain), high = from_halves(words.y, is_brain);
  return {{static_cast<T>(low.x), static_cast<T>(low.y), static_cast<T>(high.x), static_cast<T>(high.y)}};
}
LOSSKIT_INLINE uint2 halves_of_four(const Four<float>& x, bool is_brain) {
  return {to_halves({x.of[0], x.of[1]}, is_brain), to_halves({x.of[2], x.of[3]}, is_brain)};
}

/** Of a half type, or where memory does not allow one access. */
template <class T>
LOSSKIT_SELDOM Four<T> read_others(const Tensor t, uint64_t at, int n) {
  const bool is_whole = n == kEach && at + kEach <= t.size;
  if (is_whole && is_half(t.dtype) && is_aligned<uint16_t>(t.data)) {
    return four_of_halves<T>(*reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(t.data) + at),
                             t.dtype == Dtype::bfloat16);
  }
  Four<T> x;
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
    if (n == kEach && is_half(t.dtype) && is_aligned<uint16_t>(t.data)) {
      *reinterpret_cast<uint2*>(static_cast<uint16_t*>(t.data) + at) =
          halves_of_four(x, t.dtype == Dtype::bfloat16);
      return;
    }
  }
#pragma unroll 1
  for (int i = 0; i < n; ++i) put_float(t, at + static_cast<uint64_t>(i), x.of[i]);
}

template <class T>
LOSSKIT_INLINE void write_each(const MutableTensor& t, uint64_t at, int n, const Four<T>& x) {
  if (n == kEach && t.dtype == dtype_of<T> && is_aligned<T>(t.data)) {
    put_four(t.data, at, x);
  } else {
    write_others(t, at, n, x);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
