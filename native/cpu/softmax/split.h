// Few and long rows, shared among threads in pieces: measure all chunks, finish the rows, write the gradients
// of all chunks. The phases share the measured chunks and the finished rows.
#pragma once

#include "cpu/softmax/gradient.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** In how many pieces a row can be cut: rows that lie apart are not. */
inline uint64_t pieces_of(const Call& c) { return c.inner == 1 ? chunks_of(c) : 1; }

inline uint64_t all_chunks(const Call& c) { return c.rows * chunks_of(c); }
inline Chunk* shared_chunks(const Call& c) { return static_cast<Chunk*>(c.shared); }
template <class T>
Row<T>* shared_rows(const Call& c) {
  return reinterpret_cast<Row<T>*>(shared_chunks(c) + all_chunks(c));
}
template <class T>
uint64_t split_bytes(const Call& c) {
  return all_chunks(c) * sizeof(Chunk) + c.rows * sizeof(Row<T>);
}

template <class T>
void measure_chunks(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  ChunkScratch<T> scratch;
  Ahead<T> ahead;
  const uint64_t chunks = chunks_of(c);
  for (uint64_t i = begin; i < end; ++i) {
    shared_chunks(c)[i] = measure_chunk<T>(c, i / chunks, i % chunks, nullptr, i + 1 < end, ahead, scratch);
  }
}

template <class Loss, class T>
void finish_split_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const uint64_t chunks = chunks_of(c);
  const bool labelled = !is_distribution(c);
  for (uint64_t row = begin; row < end; ++row) {
    int64_t label = kIgnored;
    if (labelled && !read_labels(c, 1, c.columns, row, 1, &label, sums.fault)) return;
    const Chunk* measured = shared_chunks(c) + row * chunks;
    const Chunk whole = combine_chunks(chunks, [measured](uint64_t k) { return measured[k]; });
    const T score =
        label == kIgnored ? T(0) : read_one<T>(c.inputs[0], row * c.columns + static_cast<uint64_t>(label));
    Row<T>& r = shared_rows<T>(c)[row];
    finish_rows<Loss, T>(c, row, 1, &whole, &score, labelled ? &label : nullptr, &r);
    RowGroup<T> group;
    group.values[0] = r.value;
    group.weights[0] = static_cast<T>(r.weight);
    group.finish(c, row, 1, r.ignored ? 0 : 1, sums, is_mean_weighted(c));
  }
}

template <class T>
void write_gradients(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  ChunkScratch<T> scratch;
  const uint64_t chunks = chunks_of(c);
  for (uint64_t i = begin; i < end; ++i) {
    write_gradient<T>(c, i / chunks, i % chunks, shared_rows<T>(c)[i / chunks], shared_chunks(c)[i].max,
                      nullptr, scratch);
  }
}

template <class Loss, class T>
constexpr Plan<T> split_softmax() {
  Plan<T> plan{};
  for (auto& phases : plan.phases) {
    phases[0] = {measure_chunks<T>, all_chunks, nullptr, nullptr};
    phases[1].walk = finish_split_rows<Loss, T>;
    if (&phases != plan.phases + kValue) phases[2] = {write_gradients<T>, all_chunks, nullptr, nullptr};
  }
  plan.shared = split_bytes<T>;
  return plan;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
