// Losses of rows with any number of right classes: a team of sixteen threads for each row, in the lanes of
// the processor's vectors. Rows with lists are copied into memory of the team.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"
#include "losses/listed.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A term for each class: weighted, their mean. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    terms_kernel(const __grid_constant__ Call c, const P params, Outcome<T>* outcome) {
  using V = vec<T, kTeam>;
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const double classes = static_cast<double>(c.columns);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t first = uint64_t(blockIdx.x) * kTeams; first < c.rows; first += stride) {
    const uint64_t row = first + threadIdx.x / kTeam;
    T value[1] = {T(0)};
    if (row < c.rows) {
      const double factor = incoming_gradient(c, nullptr, row) / classes;
      Doubles sum(0);
      for (uint64_t k = lane(); k < c.columns; k += kTeam) {
        const uint64_t at = row * c.columns + k;
        const V score(float_at<T>(c.inputs[0], at)), target(number_at<T>(c.inputs[1], at));
        const Out<V> one = Loss::at(score, target, params);
        const Doubles weight(c.weight.data != nullptr ? static_cast<double>(number_at<T>(c.weight, k)) : 1);
        sum = sum + weight * widen(one.value);
        if (c.grads[0].data == nullptr) continue;
        put_float(c.grads[0], at, narrow_to<T>(fma(Doubles(factor) * weight, widen(one.grad), Doubles(0))).v);
      }
      const double total = sum_lanes(sum);
      if (lane() == 0) {
        value[0] = static_cast<T>(total / classes);
        if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
        tally.count(1);
      }
    }
    if (c.wants_sum) tally.add(value);
  }
  tally.end(c, outcome);
}

/** Reads and checks the list of a row, marks its classes, and copies its scores; how many are listed, or
 * kBad.
 */
template <class T>
LOSSKIT_INLINE int64_t mark_listed(const Call& c, uint64_t row, const ListedRow<T>& listed,
                                   Tally<T, false>& tally) {
  const uint64_t padded = whole_vectors(c.columns);
  long long count = static_cast<long long>(c.columns), bad = 0;
  for (uint64_t i = lane(); i < padded; i += kTeam) {
    const bool is_class = i < c.columns;
    const uint64_t at = row * c.columns + i;
    listed.wrong[i] = is_class ? T(1) : T(0);
    listed.scores[i] = is_class ? float_at<T>(c.inputs[0], at) : T(0);
    listed.slopes[i] = T(0);
    if (!is_class) continue;
    const auto label = number_at<int64_t>(c.inputs[1], at);
    listed.labels[i] = label;
    if (label == -1) {
      count = static_cast<long long>(i) < count ? static_cast<long long>(i) : count;
    } else if (static_cast<uint64_t>(label) >= c.columns) {
      tally.fault(at, 1, Status::label);
      bad = 1;
    }
  }
  count = fold_team(count, [](long long a, long long b) { return a < b ? a : b; });
  if (fold_team(bad, [](long long a, long long b) { return a | b; }) != 0) return kBad;
  __syncwarp(team_mask());
  for (uint64_t i = lane(); i < static_cast<uint64_t>(count); i += kTeam) {
    listed.wrong[listed.labels[i]] = T(0);
  }
  __syncwarp(team_mask());
  return count;
}

template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    lists_kernel(const __grid_constant__ Call c, const P params, char* memory, uint64_t each,
                 Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const double classes = static_cast<double>(c.columns);
  const uint64_t padded = whole_vectors(c.columns), team = threadIdx.x / kTeam;
  const ListedRow<T> listed(memory + (uint64_t(blockIdx.x) * kTeams + team) * each, padded);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t first = uint64_t(blockIdx.x) * kTeams; first < c.rows; first += stride) {
    const uint64_t row = first + team;
    __syncwarp(team_mask());  // the row before is done with
    const int64_t count = row < c.rows ? mark_listed(c, row, listed, tally) : kBad;
    T value[1] = {T(0)};
    if (count >= 0) {
      const bool wants_grad = c.grads[0].data != nullptr;
      const double sum = sum_listed<Loss>(listed, count, padded, wants_grad, params);
      if (lane() == 0) {
        value[0] = static_cast<T>(sum / classes);
        if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
        tally.count(1);
      }
      if (wants_grad) {
        scale_slopes(listed, padded, incoming_gradient(c, nullptr, row) / classes);
        for (uint64_t i = lane(); i < c.columns; i += kTeam)
          put_float(c.grads[0], row * c.columns + i, listed.slopes[i]);
      }
    }
    if (c.wants_sum) tally.add(value);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct TermsRun {
  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<T>;
    const unsigned grid = grid_of(c.rows, kTeams, place.processors, 8);
    return launch(terms_kernel<Loss, T, P>, grid, kThreads, 0, place.stream, c, P(c.params),
                  place.outcome_of<T>());
  }
};

template <class Loss, class T>
struct ListsRun {
  /** Of one row; see ListedRow. */
  static constexpr uint64_t row_bytes(const Call& c) {
    return whole_vectors(c.columns) * (sizeof(int64_t) + 3 * sizeof(T));
  }

  /** So many that their memory stays small, but one always. */
  static constexpr unsigned blocks(const Call& c) {
    constexpr uint64_t most_blocks = 512, most_bytes = uint64_t(1) << 26;
    const uint64_t bytes = row_bytes(c) * kTeams, wanted = (c.rows + kTeams - 1) / kTeams;
    const uint64_t fit = bytes == 0 ? most_blocks : most_bytes / bytes,
                   most = fit < most_blocks ? fit : most_blocks, fewer = wanted < most ? wanted : most;
    return static_cast<unsigned>(fewer < 1 ? 1 : fewer);
  }

  static uint64_t memory(const Call& c) { return row_bytes(c) * kTeams * blocks(c); }

  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<double>;
    return launch(lists_kernel<Loss, T, P>, blocks(c), kThreads, 0, place.stream, c, P(c.params),
                  static_cast<char*>(place.memory), row_bytes(c), place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns listed_runs, terms_runs;
constinit const DriverRuns listed_runs = RunsOf<ListsRun, List<MultilabelMargin>>::runs;
constinit const DriverRuns terms_runs = RunsOf<TermsRun, List<MultilabelSoftMargin>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
