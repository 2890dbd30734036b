// The driver of losses of vectors: two or three inputs [N, D] or one, perhaps a label for each row; one value
// for each row. rows = N, columns = D.
//
// A row is measured in sixteen lanes of float64, number i in lane i mod 16, which are added by halving: the
// one order of its sums on every machine. Up to sixteen rows are measured, then finished together in one
// vector, then their gradients are written while the rows still lie in the first-level cache. Longer rows are
// read in blocks of 2048 numbers, and again for the gradient.
#pragma once

#include "cpu/row_group.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Doubles = vec<double, 16>;
constexpr size_t kTogether = 16;
constexpr size_t kPairBlock = 2048;

/** Numbers of the vectors from `begin` to `end` of their tensors, in the type of the computation. */
template <class T, int vectors>
struct PairBlock {
  const Call& c;
  uint64_t begin = 0, end = 0;
  const T* at[vectors];
  alignas(64) T scratch[vectors][kPairBlock];

  explicit PairBlock(const Call& call) : c(call) {}

  void read(uint64_t first, size_t n) {
    if (first >= begin && first + n <= end) return;
    for (int i = 0; i < vectors; ++i) at[i] = read_block(c.inputs[i], first, n, scratch[i]);
    begin = first, end = first + n;
  }
};

template <class T>
LOSSKIT_INLINE Doubles load_widened(const T* p, size_t n) {
  return widen(load_some<vec<T, 16>>(p, n, T(0)));
}

/** Adds up sixteen numbers at a time: step(sums, numbers…). A lane without a number keeps its sums.
 * `fetches`: asks for the numbers that follow. */
template <class T, int n, class F, class... P>
LOSSKIT_INLINE void add_lanes(Doubles (&sums)[n], size_t count, bool fetches, F step, P... from) {
  constexpr double kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    if (fetches) (fetch_ahead(from + i, 16 * sizeof(T)), ...);
    step(sums, widen(vec<T, 16>::load(from + i))...);
  }
  if (i == count) return;
  const auto present = Doubles::load(kOnes, count - i, 0) == Doubles(1);
  Doubles next[n];
  for (int k = 0; k < n; ++k) next[k] = sums[k];
  step(next, load_widened(from + i, count - i)...);
  for (int k = 0; k < n; ++k) sums[k] = select(present, next[k], sums[k]);
}

/** A row of the vectors, as losses see it. */
template <class T, int vectors>
struct PairRow {
  using vector = Doubles;
  PairBlock<T, vectors>& block;
  uint64_t start, columns;

  /** Calls f(numbers of the row before it, how many it holds) for each part of the row, which is then in the
   * block. */
  template <class F>
  LOSSKIT_INLINE void each_part(F f) {
    for (uint64_t done = 0; done < columns; done += kPairBlock) {
      const size_t n = columns - done < kPairBlock ? static_cast<size_t>(columns - done) : kPairBlock;
      block.read(start + done, n);
      f(done, n);
    }
  }

  /** Of the input i, where the part begins. */
  LOSSKIT_INLINE const T* part(int i, uint64_t done) const {
    return block.at[i] + (start + done - block.begin);
  }

  template <int... inputs, int n, class F>
  LOSSKIT_INLINE void add_up(Doubles (&sums)[n], F step) {
    const bool fetches = fetches_in_place<T>(block.c);
    each_part([&](uint64_t done, size_t count)
                  LOSSKIT_LAMBDA { add_lanes<T>(sums, count, fetches, step, part(inputs, done)...); });
  }

  /** x_i - x_j + eps */
  template <int i, int j>
  struct Differences {
    using vector = Doubles;
    PairRow& row;
    double eps;
    template <int n, class F>
    LOSSKIT_INLINE void add_up(Doubles (&sums)[n], F step) const {
      const Doubles shift(eps);
      row.template add_up<i, j>(sums, [step, shift](Doubles(&s)[n], Doubles a, Doubles b)
                                          LOSSKIT_LAMBDA { step(s, (a - b) + shift); });
    }
  };
  template <int i, int j>
  LOSSKIT_INLINE Differences<i, j> differences(double eps) {
    return {*this, eps};
  }
};

template <class T>
LOSSKIT_INLINE void store_narrowed(Doubles v, T* p, size_t n) {
  const vec<T, 16> narrowed = narrow_to<T>(v);
  n < 16 ? narrowed.store(p, n) : narrowed.store(p);
}

/** Writes the gradients of a row, which is made of these numbers. */
template <class Loss, class T>
void write_slopes(const Loss& loss, const double (&numbers)[Loss::numbers], PairRow<T, Loss::vectors> row) {
  constexpr int grads = gradients_of<Loss>().count;
  alignas(64) T rounded[grads][kPairBlock];
  const Call& c = row.block.c;
  bool is_flat = true;
  for (int k = 0; k < Loss::factors; ++k) is_flat &= numbers[k] == 0;
  Doubles spread[Loss::numbers];
  for (int k = 0; k < Loss::numbers; ++k) spread[k] = Doubles(numbers[k]);
  row.each_part([&](uint64_t done, size_t n) LOSSKIT_LAMBDA {
    T* out[grads];
    for (int g = 0; g < grads; ++g) out[g] = output_block(c.grads[g], row.start + done, rounded[g]);
    if (is_flat) {
      for (int g = 0; g < grads; ++g) {
        for (size_t i = 0; i < n; ++i) out[g][i] = T(0);
      }
    } else {
      const T* from[Loss::vectors];
      for (int v = 0; v < Loss::vectors; ++v) from[v] = row.part(v, done);
      const auto step = [&](size_t i, size_t count) LOSSKIT_LAMBDA {
        Doubles x[Loss::vectors], grad[grads];
        for (int v = 0; v < Loss::vectors; ++v) x[v] = load_widened(from[v] + i, count);
        loss.slopes(x, spread, grad);
        for (int g = 0; g < grads; ++g) store_narrowed(grad[g], out[g] + i, count);
      };
      size_t i = 0;
      for (; i + 16 <= n; i += 16) step(i, 16);
      if (i < n) step(i, n - i);
    }
    for (int g = 0; g < grads; ++g) flush_block(c.grads[g], row.start + done, n, out[g]);
  });
}

/** Up to kRowGroup numbers, one for each row. */
struct RowNumbers {
  const double* data;
  double scratch[kRowGroup];

  explicit RowNumbers() : data(nullptr) {}
  void read(const Tensor& t, uint64_t at, size_t n) {
    if (t.data != nullptr) data = read_block(t, at, n, scratch);
  }
  LOSSKIT_INLINE Doubles load(size_t i, size_t n) const {
    return data == nullptr ? Doubles(1) : load_some<Doubles>(data + i, n, 1);
  }
};

template <class Loss, class T>
bool check_pair_labels(const RowNumbers& labels, uint64_t at, size_t n, Fault& fault) {
  if constexpr (Loss::labelled) {
    for (size_t i = 0; i < n; ++i) {
      if (Loss::takes(labels.data[i])) continue;
      fault = {Status::domain, Loss::vectors, at + i, labels.data[i]};
      return false;
    }
  }
  return true;
}

template <class Loss, class T, bool wants_grad>
void pairs(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  using Row = PairRow<T, Loss::vectors>;
  const Loss loss(c.params);
  PairBlock<T, Loss::vectors> block(c);
  RowGroup<T> group;
  RowNumbers labels, weights, incoming;
  const uint64_t fitting = c.columns == 0 ? 1 : kPairBlock / c.columns;
  const size_t together = fitting < 1 ? 1 : fitting < kTogether ? static_cast<size_t>(fitting) : kTogether;
  size_t n, m;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if constexpr (Loss::labelled) labels.read(c.inputs[Loss::vectors], at, n);
    if (!check_pair_labels<Loss, T>(labels, at, n, sums.fault)) return;
    weights.read(c.weight, at, n);
    incoming.read(c.upstream, at, n);
    for (size_t i = 0; i < n; i += m) {
      m = n - i < together ? n - i : together;
      const uint64_t start = (at + i) * c.columns;
      if (fitting != 0) block.read(start, static_cast<size_t>(m * c.columns));
      double measured[Loss::sums][kTogether] = {};
      for (size_t r = 0; r < m; ++r) {
        double sum[Loss::sums] = {};
        Row row = {block, start + r * c.columns, c.columns};
        loss.measure(row, sum);
        for (int k = 0; k < Loss::sums; ++k) measured[k][r] = sum[k];
      }
      Doubles rows_sum[Loss::sums];
      for (int k = 0; k < Loss::sums; ++k) rows_sum[k] = Doubles::load(measured[k]);
      const auto out = loss.finish(rows_sum, labels.load(i, m));
      const Doubles weight = weights.load(i, m);
      store_narrowed(out.value * weight, group.values + i, m);
      if constexpr (wants_grad) {
        double numbers[Loss::numbers][kTogether];
        const Doubles factor = (Doubles(c.scale) * incoming.load(i, m)) * weight;
        for (int k = 0; k < Loss::numbers; ++k) {
          (k < Loss::factors ? out.numbers[k] * factor : out.numbers[k]).store(numbers[k]);
        }
        for (size_t r = 0; r < m; ++r) {
          double own[Loss::numbers];
          for (int k = 0; k < Loss::numbers; ++k) own[k] = numbers[k][r];
          write_slopes<Loss, T>(loss, own, {block, start + r * c.columns, c.columns});
        }
      }
    }
    group.finish(c, at, n, n, sums);
  }
}

/** Triplets by the norm that p asks for. */
template <class T, bool wants_grad>
void triplets(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  const double p = Triplet(c.params).p;
  if (p == 2) return pairs<TripletOf<EuclideanNorm>, T, wants_grad>(c, begin, end, sums, scratch);
  if (p == 1) return pairs<TripletOf<ManhattanNorm>, T, wants_grad>(c, begin, end, sums, scratch);
  if (p == infinity<double>)
    return pairs<TripletOf<MaximumNorm>, T, wants_grad>(c, begin, end, sums, scratch);
  return pairs<TripletOf<GeneralNorm>, T, wants_grad>(c, begin, end, sums, scratch);
}

template <class T>
constexpr KernelEntry<T> pair_entry(Walk<T> value, Walk<T> grad) {
  KernelEntry<T> entry{};
  entry.plan.phases[kValue][0].walk = value;
  entry.plan.phases[kGrad][0].walk = grad;
  entry.plan.phases[kValueAndGrad][0].walk = grad;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
