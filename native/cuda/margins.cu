// Losses that compare the right class of a row with the wrong ones: a team of sixteen threads for each row,
// in the lanes of the processor's vectors and in float64.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Number = vec<double, kTeam>;

/** A row that counts. */
template <class T>
struct MarginRow {
  const Call& c;
  Scores<T> score;
  uint64_t label;
  double right;     // the label's score
  double incoming;  // times the class weight

  /** f(column, score) for those of this thread's lane that are wrong. */
  template <class F>
  LOSSKIT_INLINE void each_wrong(F f) const {
    for (uint64_t k = lane(); k < c.columns; k += kTeam) {
      if (k != label) f(k, score(k));
    }
  }
  LOSSKIT_INLINE void put_grad(uint64_t column, T grad) const {
    put_float(c.grads[0], score.place(column), grad);
  }
};

/** Of all wrong classes: its value. The gradient of the right one is what the others pay. */
template <class Loss, class T, class P>
LOSSKIT_INLINE double margin_of_all(const MarginRow<T>& row, const P& params) {
  const double classes = static_cast<double>(row.c.columns);
  const auto of = [&](T score) {
    return Loss::at(Number(static_cast<double>(score)) - Number(row.right), params);
  };
  Number value(0), slope(0);
  row.each_wrong([&](uint64_t, T score) {
    const Out<Number> one = of(score);
    value = value + one.value;
    slope = slope + one.grad;
  });
  const double total = sum_lanes(value), paid = sum_lanes(slope);
  if (row.c.grads[0].data != nullptr) {
    const double factor = row.incoming / classes;
    row.each_wrong([&](uint64_t column, T score) {
      row.put_grad(column, static_cast<T>(fused(of(score).grad.v, factor, 0.0)));
    });
    if (lane() == row.label % kTeam) row.put_grad(row.label, static_cast<T>(0.0 - factor * paid));
  }
  return total / classes;
}

/** Of the greatest wrong class, the first of those that are as great. */
template <class Loss, class T, class P>
LOSSKIT_INLINE double margin_of_greatest(const MarginRow<T>& row, const P& params) {
  const uint64_t columns = row.c.columns;
  T largest = -infinity<T>, nan(0);
  row.each_wrong([&](uint64_t, T score) {
    largest = score > largest ? score : largest;
    nan = score == score ? nan : score;
  });
  const double bad = sum_lanes(Number(static_cast<double>(nan)));
  const T wrong = bad == bad ? greatest(vec<T, kTeam>(largest)) : static_cast<T>(bad);
  const double rise = columns == 1 ? -infinity<double> : static_cast<double>(wrong) - row.right;
  const Out<Number> out = Loss::at(Number(rise), params);
  if (row.c.grads[0].data == nullptr) return out.value.v;
  long long first = static_cast<long long>(columns);
  row.each_wrong([&](uint64_t column, T score) {
    const auto at = static_cast<long long>(column);
    if (score == wrong && at < first) first = at;
  });
  first = fold_team(first, [](long long a, long long b) { return a < b ? a : b; });
  const double slope = out.grad.v, grad = row.incoming * slope;
  const bool is_active = slope > 0 && first < static_cast<long long>(columns);
  for (uint64_t k = lane(); k < columns; k += kTeam) {
    T one(0);
    if (slope != slope) {  // of a row that is not a number, no class is
      one = static_cast<T>(slope);
    } else if (is_active && k == static_cast<uint64_t>(first)) {
      one = static_cast<T>(grad);
    } else if (is_active && k == row.label) {
      one = static_cast<T>(0.0 - grad);
    }
    row.put_grad(k, one);
  }
  return out.value.v;
}

template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    margin_kernel(const __grid_constant__ Call c, const P params, const double* scale, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  constexpr bool of_greatest = requires { Loss::of_greatest; };
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t first = uint64_t(blockIdx.x) * kTeams; first < c.rows; first += stride) {
    const uint64_t row = first + threadIdx.x / kTeam;
    const int64_t label = row < c.rows ? label_at(c, row, tally) : kBad;
    const Scores<T> score(c, c.inputs[0], row);
    T value[1] = {T(0)};
    if (label >= 0) {
      const auto right = static_cast<uint64_t>(label);
      const double weight = static_cast<double>(class_weight<T>(c, label));
      const MarginRow<T> numbers = {c, score, right, static_cast<double>(score(right)),
                                    incoming_gradient(c, scale, row) * weight};
      __syncwarp(team_mask());  // every lane has read the label's score, which a gradient may replace
      double margin;
      if constexpr (of_greatest) {
        margin = margin_of_greatest<Loss>(numbers, params);
      } else {
        margin = margin_of_all<Loss>(numbers, params);
      }
      if (lane() == 0) value[0] = static_cast<T>(weight * margin);
    } else if (label == kIgnored && c.grads[0].data != nullptr) {
      for (uint64_t k = lane(); k < c.columns; k += kTeam) put_float(c.grads[0], score.place(k), T(0));
    }
    if (lane() == 0 && row < c.rows && c.values.data != nullptr)
      static_cast<T*>(c.values.data)[row] = value[0];
    if (c.wants_sum) tally.add(value);
    tally.count(lane() == 0 && label >= 0);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct MarginRun {
  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<double>;
    return launch_rows(margin_kernel<Loss, T, P>, c, place, kTeams);
  }
};

}  // namespace

extern const DriverRuns margins_runs;
constinit const DriverRuns margins_runs = RunsOf<MarginRun, MarginLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
