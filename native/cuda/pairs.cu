// Losses of vectors: a team of sixteen threads for each row, which measures it in the lanes of the
// processor's vectors, finishes it, and writes its gradients.
#include <cmath>

#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Number = vec<double, kTeam>;

/** A row of the vectors, as losses see it: each thread has the numbers of its lane. */
template <class T>
struct PairRow {
  using vector = Number;
  const Call& c;
  uint64_t start;

  LOSSKIT_INLINE Number at(int input, uint64_t i) const {
    return Number(static_cast<double>(float_at<T>(c.inputs[input], start + i)));
  }

  template <int... inputs, int n, class F>
  LOSSKIT_INLINE void add_up(Number (&sums)[n], F step) const {
    for (uint64_t i = lane(); i < c.columns; i += kTeam) step(sums, at(inputs, i)...);
  }

  /** x_i - x_j + eps */
  template <int i, int j>
  struct Differences {
    using vector = Number;
    const PairRow& row;
    double eps;
    template <int n, class F>
    LOSSKIT_INLINE void add_up(Number (&sums)[n], F step) const {
      const Number shift(eps);
      row.template add_up<i, j>(
          sums, [step, shift](Number(&s)[n], Number a, Number b) { step(s, (a - b) + shift); });
    }
  };
  template <int i, int j>
  LOSSKIT_INLINE Differences<i, j> differences(double eps) const {
    return {*this, eps};
  }
};

/** Writes the gradients of a row, which are made of these numbers. */
template <class Loss, class T>
LOSSKIT_INLINE void write_slopes(const Loss& loss, const Number (&numbers)[Loss::numbers],
                                 const PairRow<T>& row) {
  constexpr int grads = gradients_of<Loss>().count;
  const Call& c = row.c;
  bool is_flat = true;
  for (int k = 0; k < Loss::factors; ++k) is_flat &= numbers[k].v == 0;
  for (uint64_t i = lane(); i < c.columns; i += kTeam) {
    Number grad[grads];
    for (Number& g : grad) g = Number(0);
    if (!is_flat) {
      Number x[Loss::vectors];
      for (int v = 0; v < Loss::vectors; ++v) x[v] = row.at(v, i);
      loss.slopes(x, numbers, grad);
    }
    for (int g = 0; g < grads; ++g) put_float(c.grads[g], row.start + i, static_cast<T>(grad[g].v));
  }
}

template <class Loss, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    pair_kernel(const __grid_constant__ Call c, const Loss loss, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t first = uint64_t(blockIdx.x) * kTeams; first < c.rows; first += stride) {
    const uint64_t row = first + threadIdx.x / kTeam;
    T value[1] = {T(0)};
    bool is_refused = row >= c.rows;
    Number label(1);
    if constexpr (Loss::labelled) {
      if (!is_refused) {
        label = Number(repeated_at<double>(c.inputs[Loss::vectors], row));
        if (!Loss::takes(label.v)) {
          if (lane() == 0) tally.fault(row, Loss::vectors, Status::domain);
          is_refused = true;
        }
      }
    }
    if (!is_refused) {
      PairRow<T> numbers = {c, row * c.columns};
      double measured[Loss::sums] = {};
      loss.measure(numbers, measured);
      Number sums[Loss::sums];
      for (int k = 0; k < Loss::sums; ++k) sums[k] = Number(measured[k]);
      auto out = loss.finish(sums, label);
      const Number weight(row_weight(c, row));
      if (lane() == 0) {
        value[0] = static_cast<T>((out.value * weight).v);
        if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
        tally.count(1);
      }
      if (c.grads[0].data != nullptr) {
        const Number factor = Number(incoming_gradient(c, nullptr, row)) * weight;
        for (int k = 0; k < Loss::factors; ++k) out.numbers[k] = out.numbers[k] * factor;
        write_slopes(loss, out.numbers, numbers);
      }
    }
    if (c.wants_sum) tally.add(value);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
Code run_of_loss(const Call& c, const Place& place) {
  const Loss loss(c.params);
  const unsigned grid = grid_of(c.rows, kTeams, place.processors, 8);
  return launch(pair_kernel<Loss, T>, grid, kThreads, 0, place.stream, c, loss, place.outcome_of<T>());
}

template <class Loss, class T>
struct PairRun {
  static Code run(const Call& c, const Place& place) { return run_of_loss<Loss, T>(c, place); }
};

/** Triplets by the norm that p asks for. */
template <class T>
struct PairRun<Triplet, T> {
  static Code run(const Call& c, const Place& place) {
    const double p = c.params[1];
    if (p == 2) return run_of_loss<TripletOf<EuclideanNorm>, T>(c, place);
    if (p == 1) return run_of_loss<TripletOf<ManhattanNorm>, T>(c, place);
    if (std::isinf(p)) return run_of_loss<TripletOf<MaximumNorm>, T>(c, place);
    return run_of_loss<TripletOf<GeneralNorm>, T>(c, place);
  }
};

}  // namespace

extern const DriverRuns pairs_runs;
constinit const DriverRuns pairs_runs = RunsOf<PairRun, PairLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
