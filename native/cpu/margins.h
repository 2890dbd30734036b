// The driver of losses that compare the right class of a row with the wrong ones: multiMargin over all of
// them, multiclassHinge with the greatest.
//
// A row is read once, in chunks, sixteen scores at a time, in float64: differences of float32 scores are
// exact there. Sums run in the canonical lanes. The gradient of the right class, which needs the whole row,
// is written last.
#pragma once

#include "cpu/gather.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Sixteen numbers, of which only the first n count and not the one at `but`: the others become `fill`. */
LOSSKIT_INLINE Doubles masked(Doubles x, size_t n, uint64_t but, double fill) {
  if (n >= 16 && but >= 16) return x;
  double some[16];
  x.store(some);
  for (size_t i = n; i < 16; ++i) some[i] = fill;
  if (but < 16) some[but] = fill;
  return Doubles::load(some);
}

/** What a row gives: its value, unweighted, and the sum of the slopes, which the right class pays. */
struct RowMargin {
  double value, slope;
};

/** The part of a chunk that every margin loss needs. */
template <class T>
struct ScoreChunk {
  uint64_t start;
  size_t n;
  const T* scores;
};

/** f(chunk) for all chunks of a row. */
template <class T, class F>
LOSSKIT_INLINE void each_chunk(const Call& c, uint64_t row, T* scratch, F f) {
  for (uint64_t k = 0; k < chunks_of(c); ++k) {
    const size_t n = static_cast<size_t>(chunk_size(c, k));
    f(ScoreChunk<T>{k * kChunk, n, read_block(c.inputs[0], row * c.columns + k * kChunk, n, scratch)});
  }
}

/** Sums over the wrong classes; writes their gradients, `factor` times the slope. */
template <class Loss, class T>
RowMargin margin_of_all(const Call& c, uint64_t row, uint64_t label, double factor, T* scratch, T* rounded) {
  using V = vec<T, 16>;
  const typename Loss::template Params<double> params(c.params);
  const Doubles right(static_cast<double>(read_one<T>(c.inputs[0], row * c.columns + label)));
  const bool wants_grad = c.grads[0].data != nullptr, fetches = fetches_in_place<T>(c);
  Doubles value(0), slope(0);
  each_chunk<T>(c, row, scratch, [&](const ScoreChunk<T>& chunk) {
    const uint64_t at = row * c.columns + chunk.start;
    T* out = wants_grad ? output_block(c.grads[0], at, rounded) : nullptr;
    for (size_t i = 0; i < chunk.n; i += 16) {
      if (fetches) fetch_ahead(chunk.scores + i, 16 * sizeof(T));
      const size_t count = chunk.n - i < 16 ? chunk.n - i : 16;
      const V score = load_some<V>(chunk.scores + i, count, T(0));
      const Doubles rise = masked(widen(score) - right, count, label - chunk.start - i, -infinity<double>);
      const Out<Doubles> one = Loss::at(rise, params);
      value = value + one.value;
      if (!wants_grad) continue;
      slope = slope + one.grad;
      const V grad = narrow_to<T>(fma(one.grad, Doubles(factor), Doubles(0)));
      count == 16 ? grad.store(out + i) : grad.store(out + i, count);
    }
    if (wants_grad) flush_block(c.grads[0], at, chunk.n, out);
  });
  const RowMargin sums = {sum_lanes(value), sum_lanes(slope)};
  if (wants_grad) {
    write_one(c.grads[0], row * c.columns + label, static_cast<T>(0.0 - factor * sums.slope));
  }
  const double classes = static_cast<double>(c.columns);
  return {sums.value / classes, sums.slope};
}

/** The greatest score of a wrong class; NaN if any is. */
template <class T>
T greatest_wrong(const Call& c, uint64_t row, uint64_t label, T* scratch) {
  using V = vec<T, 16>;
  const bool fetches = fetches_in_place<T>(c);
  V largest(-infinity<T>), nan(0);
  each_chunk<T>(c, row, scratch, [&](const ScoreChunk<T>& chunk) {
    for (size_t i = 0; i < chunk.n; i += 16) {
      if (fetches) fetch_ahead(chunk.scores + i, 16 * sizeof(T));
      V score = load_some<V>(chunk.scores + i, chunk.n - i, -infinity<T>);
      if (label - chunk.start - i < 16) {
        T some[16];
        score.store(some);
        some[label - chunk.start - i] = -infinity<T>;
        score = V::load(some);
      }
      largest = max(score, largest);
      nan = select(score == score, nan, score);
    }
  });
  const double bad = sum_lanes(widen(nan));
  return bad == bad ? greatest(largest) : static_cast<T>(bad);
}

/** The first wrong class with this score. */
template <class T>
uint64_t first_wrong(const Call& c, uint64_t row, uint64_t label, T score, T* scratch) {
  uint64_t found = c.columns;
  each_chunk<T>(c, row, scratch, [&](const ScoreChunk<T>& chunk) {
    for (size_t i = 0; found == c.columns && i < chunk.n; ++i) {
      if (chunk.scores[i] == score && chunk.start + i != label) found = chunk.start + i;
    }
  });
  return found;
}

template <class Loss, class T>
RowMargin margin_of_greatest(const Call& c, uint64_t row, uint64_t label, double factor, T* scratch, T*) {
  using One = vec<double, native_lanes<double>>;
  const typename Loss::template Params<double> params(c.params);
  const double right = static_cast<double>(read_one<T>(c.inputs[0], row * c.columns + label));
  const T wrong = greatest_wrong(c, row, label, scratch);
  const double rise = c.columns == 1 ? -infinity<double> : static_cast<double>(wrong) - right;
  double value[One::lanes], slope[One::lanes];
  const Out<One> out = Loss::at(One(rise), params);
  out.value.store(value), out.grad.store(slope);
  if (c.grads[0].data != nullptr) {
    const uint64_t first = slope[0] > 0 ? first_wrong(c, row, label, wrong, scratch) : c.columns;
    if (slope[0] == slope[0]) {
      clear_rows(c, c.grads[0], row, 1);
      if (first < c.columns) {
        write_one(c.grads[0], row * c.columns + first, static_cast<T>(factor * slope[0]));
        write_one(c.grads[0], row * c.columns + label, static_cast<T>(0.0 - factor * slope[0]));
      }
    } else {  // of a row that is not a number, no class is
      for (uint64_t k = 0; k < c.columns; ++k) {
        write_one(c.grads[0], row * c.columns + k, static_cast<T>(slope[0]));
      }
    }
  }
  return {value[0], slope[0]};
}

template <class Loss, class T>
void margin_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  alignas(64) T scratch[kChunk], rounded[kChunk];
  int64_t labels[kRowGroup];
  RowGroup<T> group;
  constexpr bool of_greatest = requires { Loss::of_greatest; };
  const double classes = static_cast<double>(c.columns);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (!read_labels(c, 1, c.columns, at, n, labels, sums.fault)) return;
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t row = at + i;
      if (labels[i] == kIgnored) {
        group.values[i] = T(0);
        if (c.grads[0].data != nullptr) clear_rows(c, c.grads[0], row, 1);
        continue;
      }
      ++kept;
      const uint64_t label = static_cast<uint64_t>(labels[i]);
      const double weight = c.weight.data != nullptr ? static_cast<double>(read_one<T>(c.weight, label)) : 1;
      const double incoming = incoming_gradient(c, row) * weight;
      RowMargin margin;
      if constexpr (of_greatest) {
        margin = margin_of_greatest<Loss, T>(c, row, label, incoming, scratch, rounded);
      } else {
        margin = margin_of_all<Loss, T>(c, row, label, incoming / classes, scratch, rounded);
      }
      group.values[i] = static_cast<T>(weight * margin.value);
    }
    group.finish(c, at, n, kept, sums);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
