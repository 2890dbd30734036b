// The walk, over vectors of VECTOR_BYTES. Each instruction set includes it once, in a file compiled for that
// set; everything here has internal linkage, so that no two sets share a symbol.
#include <cstring>

#include "transfer.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using Vector [[gnu::vector_size(VECTOR_BYTES)]] = int64_t;
using Word = uint32_t;
enum class Store { none, cached, streaming };

inline Vector load(const char* from) {
  Vector v;
  memcpy(&v, from, sizeof v);
  return v;
}

template <Store kStore>
inline void store(char* to, Vector v) {
  if constexpr (kStore == Store::cached) memcpy(to, &v, sizeof v);
  if constexpr (kStore == Store::streaming) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), reinterpret_cast<__m512i>(v));
#elif defined(__AVX2__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(v));
#elif defined(__SSE2__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), reinterpret_cast<__m128i>(v));
#else
    memcpy(to, &v, sizeof v);
#endif
  }
}

template <bool kTwo, Store kStore>
inline uint64_t words(const Transfer& t, size_t from, size_t to) {
  uint64_t seen = 0;
  for (size_t i = from; i < to; i += sizeof(Word)) {
    Word w, other;
    memcpy(&w, t.first + i, sizeof w);
    if constexpr (kTwo) memcpy(&other, t.second + i, sizeof other), w ^= other;
    if constexpr (kStore != Store::none) w = ~w, memcpy(t.out + i, &w, sizeof w);
    seen |= w;
  }
  return seen;
}

template <bool kTwo, Store kStore, int kStreams>
uint64_t walk(const Transfer& t, size_t from, size_t to) {
  // Arrays of JavaScript begin 16 bytes after a page: whole cache lines come first where the store needs
  // them.
  const size_t misaligned =
      reinterpret_cast<uintptr_t>((kStore == Store::none ? t.first : t.out) + from) % 64;
  const size_t begin = misaligned ? (from + 64 - misaligned < to ? from + 64 - misaligned : to) : from;
  uint64_t seen = words<kTwo, kStore>(t, from, begin);

  constexpr int kLanes = 4, kUnroll = kLanes / kStreams;
  constexpr size_t kStep = kUnroll * sizeof(Vector);
  const size_t part = (to - begin) / kStreams / 64 * 64 / kStep * kStep;
  Vector lanes[kLanes] = {};
  for (size_t i = 0; i < part; i += kStep) {
#pragma GCC unroll 4
    for (int lane = 0; lane < kLanes; ++lane) {
      const size_t at = begin + (lane / kUnroll) * part + i + (lane % kUnroll) * sizeof(Vector);
      Vector v = load(t.first + at);
      if constexpr (kTwo) v ^= load(t.second + at);
      if constexpr (kStore == Store::none) {
        lanes[lane] |= v;
      } else {
        store<kStore>(t.out + at, ~v);
      }
    }
  }
  if constexpr (kStore == Store::none) {
    for (const Vector& lane : lanes)
      for (size_t i = 0; i < sizeof(Vector) / 8; ++i) seen |= static_cast<uint64_t>(lane[i]);
  }
#if defined(__x86_64__)
  if constexpr (kStore == Store::streaming) _mm_sfence();
#endif
  return seen | words<kTwo, kStore>(t, begin + kStreams * part, to);
}

template <bool kTwo, Store kStore>
inline uint64_t walk(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  return plan.streams == 4 ? walk<kTwo, kStore, 4>(t, from, to) : walk<kTwo, kStore, 1>(t, from, to);
}

template <bool kTwo>
inline uint64_t walk(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  if (!t.out) return walk<kTwo, Store::none>(t, plan, from, to);
  return plan.streaming ? walk<kTwo, Store::streaming>(t, plan, from, to)
                        : walk<kTwo, Store::cached>(t, plan, from, to);
}

inline uint64_t walk_all(const Transfer& t, const Plan& plan, size_t from, size_t to) {
  return t.second ? walk<true>(t, plan, from, to) : walk<false>(t, plan, from, to);
}

}  // namespace
