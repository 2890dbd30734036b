// The driver of losses of a row's softmax: logits[N, C] with class indices or distributions as targets.
//
// A row is measured in chunks of 4096 scores: each finds its own maximum and then sums e^(x - max) from the
// first-level cache, so memory is read once. Sixteen lanes, scores i, i + 16, … in each, added by halving,
// are the one order of that sum on every machine; chunks are combined in the order of the row. The gradient
// reads the row again, which by then lies in the second-level cache, or the exponentials kept from the first
// pass if the row is one chunk.
#pragma once

#include "cpu/labels.h"
#include "cpu/row_group.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Doubles = vec<double, 16>;

/** A row's scores are measured in chunks of this many, each on its own, so that any thread may take any
 * chunk. */
constexpr uint64_t kChunk = 4096;

/** What a chunk of a row contributes to its softmax. */
struct Chunk {
  double max;   // m: the largest score
  double ones;  // how many e^(x - m) are 1
  double rest;  // the sum of the others; apart, so that a confident row keeps the digits of its small loss
  double dot;   // of q (m - x), for a target distribution q
  double mass;  // of q
};

/** A finished row: its loss, and what its gradient is made of: grad_j = e^(x_j - max) factor - uniform q_j.
 */
template <class T>
struct Row {
  T max, value;
  T label_grad;   // replaces the gradient of the label's own class
  int64_t label;  // -1: the target is a distribution; the row's gradient is 0 if `ignored`
  double factor, uniform;
  double weight;  // the class weight of the label
  bool ignored;
};

LOSSKIT_INLINE bool is_distribution(const Call& c) {
  return c.inputs[1].dtype == Dtype::float32 || c.inputs[1].dtype == Dtype::float64 ||
         c.inputs[1].dtype == Dtype::float16 || c.inputs[1].dtype == Dtype::bfloat16;
}

/** Whether the mean divides by the class weights of the labels, not by the number of rows. */
LOSSKIT_INLINE bool divides_by_weights(const Call& c) {
  return c.weight.data != nullptr && !is_distribution(c);
}

/** Whether a row's loss depends on all its log-probabilities, not only on that of its label. */
LOSSKIT_INLINE bool is_dense(const Call& c) { return is_distribution(c) || c.label_smoothing != 0; }

/** Applies an elementary function to one number. */
template <class F>
LOSSKIT_INLINE double of_one(double x, F f) {
  using V = vec<double, native_lanes<double>>;
  double y[V::lanes];
  f(V(x)).store(y);
  return y[0];
}

inline uint64_t chunks_of(const Call& c) { return (c.columns + kChunk - 1) / kChunk; }

/** In how many pieces a row can be cut: rows that lie apart are not. */
inline uint64_t pieces_of(const Call& c) { return c.inner == 1 ? chunks_of(c) : 1; }

LOSSKIT_INLINE uint64_t chunk_size(const Call& c, uint64_t chunk) {
  const uint64_t left = c.columns - chunk * kChunk;
  return left < kChunk ? left : kChunk;
}

/** The weight q of each class in a dense row's loss: smoothed, times the class weight. */
template <class T>
struct ClassTargets {
  using V = vec<T, 16>;
  const T* target;     // null: every class alike
  const T* weight;     // null: all 1
  double keep, floor;  // smoothing: keep q + floor

  LOSSKIT_INLINE Doubles at(size_t i, size_t n) const {
    Doubles q = target == nullptr
                    ? Doubles(1)
                    : fma(widen(load_some<V>(target + i, n, T(0))), Doubles(keep), Doubles(floor));
    if (weight != nullptr) q = q * widen(load_some<V>(weight + i, n, T(0)));
    return q;
  }
};

/** Space for the tensors of a chunk that are not stored in the type of the computation. */
template <class T>
struct ChunkScratch {
  alignas(64) T logits[kChunk], targets[kChunk], weights[kChunk];
};

template <class T>
ClassTargets<T> class_targets(const Call& c, uint64_t row, uint64_t chunk, size_t n,
                              ChunkScratch<T>& scratch) {
  ClassTargets<T> q{nullptr, nullptr, 1, 0};
  if (is_distribution(c)) {
    q.target = read_block(c.inputs[1], row * c.columns + chunk * kChunk, n, scratch.targets);
    q.keep = 1 - c.label_smoothing;
    q.floor = c.label_smoothing / static_cast<double>(c.columns);
  }
  if (c.weight.data != nullptr) q.weight = read_block(c.weight, chunk * kChunk, n, scratch.weights);
  return q;
}

template <class T>
LOSSKIT_INLINE T greatest_of(const T* x, size_t n) {
  using V = vec<T, 16>;
  V a(-infinity<T>), b = a, c = a, d = a;
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    a = max(V::load(x + i), a), b = max(V::load(x + i + 16), b);
    c = max(V::load(x + i + 32), c), d = max(V::load(x + i + 48), d);
  }
  for (; i + 16 <= n; i += 16) a = max(V::load(x + i), a);
  if (i < n) b = max(V::load(x + i, n - i, -infinity<T>), b);
  return greatest(max(max(a, b), max(c, d)));
}

/** How often e^(x - shift) is 1, and the sum of the others. */
template <class T>
void count_ones(const T* x, size_t n, T shift, double& ones, double& rest) {
  using V = vec<T, 16>;
  V one(0);
  Doubles other(0);
  for (size_t i = 0; i < n; i += 16) {
    const V e = exp_flushed(load_some<V>(x + i, n - i, -infinity<T>) - V(shift));
    const auto is_one = e == V(1);
    one = one + select(is_one, V(1), V(0));
    other = other + widen(select(is_one, V(0), e));
  }
  ones = sum_lanes(widen(one));
  rest = sum_lanes(other);
}

/** Measures a chunk; keeps the exponentials, in whole vectors, where `exps` is given. */
template <class T, bool dense>
Chunk measure_scores(const T* x, size_t n, const ClassTargets<T>& targets, T* exps,
                     const Upcoming& upcoming) {
  using V = vec<T, 16>;
  constexpr T kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const T largest = greatest_of(x, n);
  const T shift = largest == -infinity<T> ? T(0) : largest;  // of a row of -inf only, every e^x is 0
  Doubles sum(0), dot(0), mass(0);
  for (size_t i = 0; i < n; i += 16) {
    upcoming.fetch(i);
    const V score = load_some<V>(x + i, n - i, -infinity<T>);
    const V e = exp_flushed(score - V(shift));
    if (exps != nullptr) e.store(exps + i);
    sum = sum + widen(e);
    if constexpr (dense) {
      Doubles q = targets.at(i, n - i), below = widen(V(shift)) - widen(score);
      if (n - i < 16) {
        const Doubles present = widen(V::load(kOnes, n - i, T(0)));
        q = q * present;
        below = select(present == Doubles(0), Doubles(0), below);
      }
      dot = fma(q, below, dot);
      mass = mass + q;
    }
  }
  Chunk chunk = {static_cast<double>(largest), 1, sum_lanes(sum) - 1, sum_lanes(dot), sum_lanes(mass)};
  // Beside a 1 the others would lose digits that a small loss consists of: more of them than the type can
  // spare.
  constexpr double spare = sizeof(T) == 4 ? 0x1p-16 : infinity<double>;
  if (chunk.rest < spare) count_ones(x, n, shift, chunk.ones, chunk.rest);
  return chunk;
}

template <class T>
Chunk measure_chunk(const Call& c, uint64_t row, uint64_t chunk, T* exps, ChunkScratch<T>& scratch) {
  const size_t n = static_cast<size_t>(chunk_size(c, chunk));
  const T* x = read_block(c.inputs[0], row * c.columns + chunk * kChunk, n, scratch.logits);
  Upcoming upcoming;  // what follows in memory: the next chunk, or the next row
  const size_t bytes = kDtypeBytes[static_cast<int>(c.inputs[0].dtype)];
  upcoming.add(static_cast<const char*>(c.inputs[0].data) + (row * c.columns + chunk * kChunk + n) * bytes,
               bytes);
  if (!is_dense(c)) return measure_scores<T, false>(x, n, {}, exps, upcoming);
  return measure_scores<T, true>(x, n, class_targets(c, row, chunk, n, scratch), exps, upcoming);
}

/** The row up to a chunk, with the chunk: exponents are brought to the greater maximum. */
inline Chunk combine(const Chunk& row, const Chunk& chunk) {
  const auto e = [](double x) { return of_one(x, [](auto v) { return exp(v); }); };
  const double mass = row.mass + chunk.mass;
  if (chunk.max > row.max) {
    const double rise = chunk.max - row.max, moved = row.mass == 0 ? 0 : row.mass * rise;
    const double lowered = (row.ones + row.rest) * e(-rise);
    return {chunk.max, chunk.ones, lowered + chunk.rest, (row.dot + moved) + chunk.dot, mass};
  }
  if (chunk.max == -infinity<double>) {  // measured against 0 instead
    const double moved = row.max == -infinity<double> || chunk.mass == 0 ? 0 : chunk.mass * row.max;
    return {row.max, row.ones, row.rest + chunk.rest, row.dot + (chunk.dot + moved), mass};
  }
  const double drop = row.max - chunk.max, moved = chunk.mass == 0 ? 0 : chunk.mass * drop;
  const double dot = row.dot + (chunk.dot + moved);
  if (drop == 0) return {row.max, row.ones + chunk.ones, row.rest + chunk.rest, dot, mass};
  return {row.max, row.ones, row.rest + (chunk.ones + chunk.rest) * e(-drop), dot, mass};
}

/** All chunks of a row, each as `chunk(k)` gives it. */
template <class F>
LOSSKIT_INLINE Chunk combine_chunks(uint64_t chunks, F chunk) {
  Chunk row = chunk(0);
  for (uint64_t k = 1; k < chunks; ++k) row = combine(row, chunk(k));
  return row;
}

/** The row's loss and the parts of its gradient. */
template <class Loss, class T>
Row<T> finish_row(const Call& c, uint64_t row, const Chunk& whole, int64_t label) {
  const typename Loss::template Params<double> params(c.params);
  Row<T> r{};
  r.max = static_cast<T>(whole.max);
  r.label = label;
  const double sum = whole.ones + whole.rest;
  const double log_sum = of_one((whole.ones - 1) + whole.rest, [](auto v) { return log1p(v); });
  const double incoming = incoming_gradient(c, row);
  if (is_distribution(c)) {
    r.value = static_cast<T>(whole.dot + whole.mass * log_sum);
    r.factor = incoming * whole.mass / sum;
    r.uniform = incoming;
    return r;
  }
  const T score = read_one<T>(c.inputs[0], row * c.columns + static_cast<uint64_t>(label));
  const double nll = (whole.max - static_cast<double>(score)) + log_sum;
  const double weight =
      c.weight.data != nullptr ? static_cast<double>(read_one<T>(c.weight, static_cast<uint64_t>(label))) : 1;
  const bool wants_grad = c.grads[0].data != nullptr;
  const double p_less_one = wants_grad ? of_one(-nll, [](auto v) { return expm1(v); }) : 0;
  using One = vec<double, native_lanes<double>>;
  double value[One::lanes], slope[One::lanes];
  const Out<One> out = Loss::at(One(nll), params);
  out.value.store(value), out.grad.store(slope);
  r.weight = weight;
  if (c.label_smoothing == 0) {
    const double g = incoming * weight * slope[0];
    r.value = static_cast<T>(weight * value[0]);
    r.factor = g / sum;
    r.label_grad = static_cast<T>(g * p_less_one + 0.0);
    return r;
  }
  const double keep = (1 - c.label_smoothing) * weight,
               floor = c.label_smoothing / static_cast<double>(c.columns);
  const double p = p_less_one + 1;
  r.value = static_cast<T>(keep * nll + floor * (whole.dot + whole.mass * log_sum));
  r.factor = incoming * (keep + floor * whole.mass) / sum;
  r.uniform = incoming * floor;
  r.label_grad = static_cast<T>(incoming * (keep * p_less_one + floor * (whole.mass * p - weight)));
  return r;
}

template <class T>
LOSSKIT_INLINE vec<T, 16> narrow_to(Doubles d) {
  if constexpr (sizeof(T) == 4) {
    return narrow(d);
  } else {
    return d;
  }
}

/** Writes the gradient of a chunk; from the exponentials where they were kept. */
template <class T>
void write_gradient(const Call& c, uint64_t row, uint64_t chunk, const Row<T>& r, const T* exps,
                    ChunkScratch<T>& scratch) {
  using V = vec<T, 16>;
  alignas(64) T rounded[kChunk];
  const uint64_t start = chunk * kChunk, at = row * c.columns + start;
  const size_t n = static_cast<size_t>(chunk_size(c, chunk));
  T* out = output_block(c.grads[0], at, rounded);
  if (r.ignored) {
    for (size_t i = 0; i < n; ++i) out[i] = T(0);
    return flush_block(c.grads[0], at, n, out);
  }
  const T* x = exps != nullptr ? exps : read_block(c.inputs[0], at, n, scratch.logits);
  const V shift(r.max == -infinity<T> ? T(0) : r.max), factor(static_cast<T>(r.factor));
  const bool dense = is_dense(c), kept = exps != nullptr;
  const ClassTargets<T> targets = dense ? class_targets(c, row, chunk, n, scratch) : ClassTargets<T>{};
  const Doubles dense_factor(r.factor), uniform(-r.uniform);
  const auto grad = [&](size_t i, size_t count) LOSSKIT_LAMBDA {
    const V score = load_some<V>(x + i, count, T(0));
    const V e = kept ? score : exp_flushed(score - shift);
    if (!dense) return e * factor;
    return narrow_to<T>(fma(widen(e), dense_factor, uniform * targets.at(i, count)));
  };
  size_t i = 0;
  if (c.stream && out != rounded) {
    const size_t lead = to_cache_line(out) < n ? to_cache_line(out) : n;
    for (; i < lead; i += 16)
      grad(i, lead - i < 16 ? lead - i : 16).store(out + i, lead - i < 16 ? lead - i : 16);
    i = lead;
    for (; i + 16 <= n; i += 16) grad(i, 16).stream(out + i);
  } else {
    for (; i + 16 <= n; i += 16) grad(i, 16).store(out + i);
  }
  if (i < n) grad(i, n - i).store(out + i, n - i);
  const uint64_t label = static_cast<uint64_t>(r.label) - start;
  if (r.label >= 0 && static_cast<uint64_t>(r.label) >= start && label < n) out[label] = r.label_grad;
  flush_block(c.grads[0], at, n, out);
}

template <class Loss, class T>
void softmax_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  alignas(64) T exps[kChunk];
  ChunkScratch<T> scratch;
  int64_t labels[kRowGroup];
  RowGroup<T> group;
  const bool labelled = !is_distribution(c), wants_grad = c.grads[0].data != nullptr;
  const uint64_t chunks = chunks_of(c);
  T* const kept_exps = wants_grad && chunks == 1 ? exps : nullptr;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (labelled && !read_labels(c, 1, c.columns, at, n, labels, sums.fault)) return;
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t row = at + i;
      Row<T> r{};
      r.ignored = labelled && labels[i] == kIgnored;
      if (!r.ignored) {
        const Chunk whole =
            combine_chunks(chunks, [&](uint64_t k) { return measure_chunk(c, row, k, kept_exps, scratch); });
        r = finish_row<Loss, T>(c, row, whole, labelled ? labels[i] : -1);
        ++kept;
      }
      group.values[i] = r.value;
      group.weights[i] = static_cast<T>(r.weight);
      if (wants_grad) {
        for (uint64_t k = 0; k < chunks; ++k) write_gradient(c, row, k, r, kept_exps, scratch);
      }
    }
    group.finish(c, at, n, kept, sums, divides_by_weights(c));
  }
}

// The same for rows in pieces, for several threads: measure all chunks, finish the rows, write the gradients
// of all chunks. The phases share the measured chunks and the finished rows.

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
  const uint64_t chunks = chunks_of(c);
  for (uint64_t i = begin; i < end; ++i) {
    shared_chunks(c)[i] = measure_chunk<T>(c, i / chunks, i % chunks, nullptr, scratch);
  }
}

template <class Loss, class T>
void finish_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const uint64_t chunks = chunks_of(c);
  for (uint64_t row = begin; row < end; ++row) {
    int64_t label = -1;
    Row<T> r{};
    if (!is_distribution(c)) {
      if (!read_labels(c, 1, c.columns, row, 1, &label, sums.fault)) return;
      r.ignored = label == kIgnored;
    }
    if (!r.ignored) {
      const Chunk* measured = shared_chunks(c) + row * chunks;
      const Chunk whole = combine_chunks(chunks, [measured](uint64_t k) { return measured[k]; });
      r = finish_row<Loss, T>(c, row, whole, label);
    }
    RowGroup<T> group;
    group.values[0] = r.value;
    group.weights[0] = static_cast<T>(r.weight);
    group.finish(c, row, 1, r.ignored ? 0 : 1, sums, divides_by_weights(c));
    shared_rows<T>(c)[row] = r;
  }
}

template <class T>
void write_gradients(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  ChunkScratch<T> scratch;
  const uint64_t chunks = chunks_of(c);
  for (uint64_t i = begin; i < end; ++i) {
    write_gradient<T>(c, i / chunks, i % chunks, shared_rows<T>(c)[i / chunks], nullptr, scratch);
  }
}

template <class Loss, class T>
constexpr Plan<T> split_softmax() {
  Plan<T> plan{};
  for (auto& phases : plan.phases) {
    phases[0] = {measure_chunks<T>, all_chunks, nullptr, nullptr};
    phases[1].walk = finish_rows<Loss, T>;
    if (&phases != plan.phases + kValue) phases[2] = {write_gradients<T>, all_chunks, nullptr, nullptr};
  }
  plan.shared = split_bytes<T>;
  return plan;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
