// The driver of losses of a row's softmax: logits[N, C] with class indices or distributions as targets.
//
// A row is measured in chunks of 4096 scores: each finds its own maximum, if it can while the chunk before it
// is summed, and then sums e^(x - max) from the first-level cache, so memory is read once. Sixteen lanes,
// scores i, i + 16, … in each, added by halving, are the one order of that sum on every machine; chunks are
// combined in the order of the row. Where a gradient is wanted the exponentials are kept, in the gradient
// itself if it can hold them, and the gradient is one multiplication more, by when a row still lies in the
// second-level cache. Rows are finished up to sixteen at a time, so that a short row does not pay for a
// logarithm of its own.
#pragma once

#include "cpu/softmax/gradient.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Bytes of exponentials that still lie in the second-level cache when the gradient is made of them. */
constexpr uint64_t kKeptBytes = 640 * 1024;

/** How the exponentials reach the gradient: kept in its own place, in scratch, or not at all. */
enum class Kept { in_place, in_scratch, nowhere };

template <class T>
LOSSKIT_INLINE Kept kept_exps(const Call& c) {
  if (c.grads[0].data == nullptr) return Kept::nowhere;
  if (c.grads[0].dtype == dtype_of<T> && !c.stream) return Kept::in_place;
  return c.columns * sizeof(T) <= kKeptBytes ? Kept::in_scratch : Kept::nowhere;
}

/** Rows that are finished together: until their gradients are written they are to stay in the cache. */
template <class T>
LOSSKIT_INLINE uint64_t rows_at_once(const Call& c) {
  if (c.grads[0].data == nullptr) return 16;
  const uint64_t fit = 64 * 1024 / sizeof(T) / (c.columns == 0 ? 1 : c.columns);
  return fit < 1 ? 1 : fit < 16 ? fit : 16;
}

// Memory of a thread: the maxima of the chunks of a gradient's rows, then exponentials kept in scratch.

inline uint64_t maxima_bytes(const Call& c, uint64_t rows) {
  return (rows * chunks_of(c) * sizeof(double) + 63) / 64 * 64;
}

template <class T>
uint64_t softmax_bytes(const Call& c) {
  if (c.grads[0].data == nullptr) return 0;
  const uint64_t rows = rows_at_once<T>(c);
  const uint64_t exps = kept_exps<T>(c) == Kept::in_scratch ? rows * c.columns * sizeof(T) : 0;
  return maxima_bytes(c, rows) + exps;
}

template <class Loss, class T>
void softmax_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* memory) {
  ChunkScratch<T> scratch;
  Ahead<T> ahead;
  int64_t labels[kRowGroup];
  RowGroup<T> group;
  Chunk whole[16];
  T score[16] = {};
  Row<T> rows[16];
  const bool labelled = !is_distribution(c), wants_grad = c.grads[0].data != nullptr;
  const uint64_t chunks = chunks_of(c), most = rows_at_once<T>(c);
  const Kept kept_in = kept_exps<T>(c);
  double* const maxima = static_cast<double*>(memory);
  T* const exps = reinterpret_cast<T*>(static_cast<char*>(memory) + maxima_bytes(c, most));
  const auto exps_of = [&](uint64_t row, size_t i, uint64_t k) LOSSKIT_LAMBDA -> T* {
    if (kept_in == Kept::nowhere) return nullptr;
    if (kept_in == Kept::in_scratch) return exps + i * c.columns + k * kChunk;
    return static_cast<T*>(c.grads[0].data) + row * c.columns + k * kChunk;
  };
  size_t n, count;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (labelled && !read_labels(c, 1, c.columns, at, n, labels, sums.fault)) return;
    size_t counted = 0;
    for (size_t first = 0; first < n; first += count) {
      count = n - first < most ? n - first : static_cast<size_t>(most);
      const uint64_t row = at + first;
      for (size_t i = 0; i < count; ++i) {
        if (labelled && labels[first + i] == kIgnored) continue;
        if (labelled)  // before exponentials may take its place
          score[i] =
              read_one<T>(c.inputs[0], (row + i) * c.columns + static_cast<uint64_t>(labels[first + i]));
        whole[i] = combine_chunks(chunks, [&](uint64_t k) LOSSKIT_LAMBDA {
          const bool goes_on = k + 1 < chunks || row + i + 1 < end;
          const Chunk chunk = measure_chunk(c, row + i, k, exps_of(row + i, i, k), goes_on, ahead, scratch);
          if (wants_grad) maxima[i * chunks + k] = chunk.max;
          return chunk;
        });
        ++counted;
      }
      finish_rows<Loss, T>(c, row, count, whole, score, labelled ? labels + first : nullptr, rows);
      for (size_t i = 0; i < count; ++i) {
        group.values[first + i] = rows[i].value;
        group.weights[first + i] = static_cast<T>(rows[i].weight);
        for (uint64_t k = 0; wants_grad && k < chunks; ++k) {
          write_gradient(c, row + i, k, rows[i], maxima[i * chunks + k], exps_of(row + i, i, k), scratch);
        }
      }
    }
    group.finish(c, at, n, counted, sums, is_mean_weighted(c));
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
