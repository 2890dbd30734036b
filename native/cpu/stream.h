// A tensor read in blocks of the compute type: in place where it is stored so, else widened into a block of
// the caller's.
#pragma once

#include "cpu/call.h"
#include "simd/half.h"
#include "simd/upcoming.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
constexpr Dtype dtype_of = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;

template <class T, class S>
void copy_as(const void* from, uint64_t at, size_t n, T* to) {
  const S* p = static_cast<const S*>(from) + at;
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<T>(p[i]);
}

template <bool brain>
LOSSKIT_INLINE void widen_half(const uint16_t* p, size_t n, float* to) {
  using V = vec<float, native_lanes<float>>;
  constexpr size_t w = V::lanes;
  const auto load = [](const uint16_t* q) {
    if constexpr (brain) {
      return load_bf16(q, static_cast<V*>(nullptr));
    } else {
      return load_f16(q, static_cast<V*>(nullptr));
    }
  };
  size_t i = 0;
  for (; i + w <= n; i += w) load(p + i).store(to + i);
  if (i < n) {
    uint16_t tail[w] = {};
    for (size_t k = i; k < n; ++k) tail[k - i] = p[k];
    load(tail).store(to + i, n - i);
  }
}

template <class T>
void widen_half(const void* from, uint64_t at, size_t n, T* to, bool brain) {
  const uint16_t* p = static_cast<const uint16_t*>(from) + at;
  if constexpr (sizeof(T) == 4) {
    brain ? widen_half<true>(p, n, to) : widen_half<false>(p, n, to);
  } else {
    float part[64];
    for (size_t i = 0; i < n; i += 64) {
      const size_t count = n - i < 64 ? n - i : 64;
      brain ? widen_half<true>(p + i, count, part) : widen_half<false>(p + i, count, part);
      for (size_t k = 0; k < count; ++k) to[i + k] = static_cast<T>(part[k]);
    }
  }
}

template <class T>
void read_as(const Tensor& tensor, uint64_t at, size_t n, T* to) {
  switch (tensor.dtype) {
    case Dtype::float32:
      return copy_as<T, float>(tensor.data, at, n, to);
    case Dtype::float64:
      return copy_as<T, double>(tensor.data, at, n, to);
    case Dtype::float16:
      return widen_half(tensor.data, at, n, to, false);
    case Dtype::bfloat16:
      return widen_half(tensor.data, at, n, to, true);
    case Dtype::int8:
      return copy_as<T, int8_t>(tensor.data, at, n, to);
    case Dtype::uint8:
      return copy_as<T, uint8_t>(tensor.data, at, n, to);
    case Dtype::int16:
      return copy_as<T, int16_t>(tensor.data, at, n, to);
    case Dtype::uint16:
      return copy_as<T, uint16_t>(tensor.data, at, n, to);
    case Dtype::int32:
      return copy_as<T, int32_t>(tensor.data, at, n, to);
    case Dtype::uint32:
      return copy_as<T, uint32_t>(tensor.data, at, n, to);
    case Dtype::int64:
      return copy_as<T, int64_t>(tensor.data, at, n, to);
    case Dtype::absent:
      break;
  }
}

/** n numbers from `at`; a tensor shorter than the batch repeats. */
template <class T>
const T* read_block(const Tensor& tensor, uint64_t at, size_t n, T* scratch) {
  uint64_t start = at < tensor.size ? at : tensor.size == 0 ? 0 : at % tensor.size;
  if (tensor.dtype == dtype_of<T> && start + n <= tensor.size)
    return static_cast<const T*>(tensor.data) + start;
  for (size_t done = 0; done < n;) {
    const size_t left = n - done;
    const size_t count = tensor.size - start < left ? static_cast<size_t>(tensor.size - start) : left;
    read_as(tensor, start, count, scratch + done);
    done += count;
    start = 0;
  }
  return scratch;
}

/** Whether a loop over the inputs should ask ahead; inputs that are widened into scratch are not in memory.
 */
template <class T>
LOSSKIT_INLINE bool fetches_in_place(const Call& c) {
  return c.fetches && c.inputs[0].dtype == dtype_of<T>;
}

template <class T>
T read_one(const Tensor& tensor, uint64_t at) {
  T x;
  read_as(tensor, at, 1, &x);
  return x;
}

/** Rounds a block to a half type. */
template <class T>
void write_half(const T* from, size_t n, uint16_t* to, bool brain) {
  using V = vec<float, native_lanes<float>>;
  constexpr size_t w = V::lanes;
  static_assert(sizeof(T) == 4, "half types are stored from float32");
  const auto store = [brain](V v, uint16_t* q) { brain ? store_bf16(v, q) : store_f16(v, q); };
  size_t i = 0;
  for (; i + w <= n; i += w) store(V::load(from + i), to + i);
  if (i < n) {
    uint16_t tail[w];
    store(V::load(from + i, n - i, 0.0f), tail);
    for (size_t k = i; k < n; ++k) to[k] = tail[k - i];
  }
}

/** Elements of an array that lie before its first cache line. */
template <class T>
size_t to_cache_line(const T* p) {
  return ((64 - (reinterpret_cast<uintptr_t>(p) & 63)) & 63) / sizeof(T);
}

/** Writes f(i, count), sixteen numbers from i on of which `count` are wanted, to out[0, n); past the caches
 * if `streams`. */
template <class T, class F>
LOSSKIT_INLINE void write_all(T* out, size_t n, bool streams, F f) {
  size_t i = 0;
  if (streams) {
    const size_t lead = to_cache_line(out) < n ? to_cache_line(out) : n;
    for (; i < lead; i += 16) f(i, lead - i).store(out + i, lead - i < 16 ? lead - i : 16);
    i = lead;
    for (; i + 16 <= n; i += 16) f(i, 16).stream(out + i);
  } else {
    for (; i + 16 <= n; i += 16) f(i, 16).store(out + i);
  }
  if (i < n) f(i, n - i).store(out + i, n - i);
}

/** Where a block of outputs is computed: in the output itself, or in scratch that `flush_block` then rounds.
 */
template <class T>
LOSSKIT_INLINE T* output_block(const MutableTensor& tensor, uint64_t at, T* scratch) {
  return tensor.dtype == dtype_of<T> ? static_cast<T*>(tensor.data) + at : scratch;
}
template <class T>
LOSSKIT_INLINE void flush_block(const MutableTensor& tensor, uint64_t at, size_t n, const T* scratch) {
  if constexpr (sizeof(T) == 4) {
    if (tensor.dtype == Dtype::float16 || tensor.dtype == Dtype::bfloat16) {
      write_half(scratch, n, static_cast<uint16_t*>(tensor.data) + at, tensor.dtype == Dtype::bfloat16);
    }
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
