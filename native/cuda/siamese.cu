// siameseTriplet: a team of sixteen threads for each score, which meets all of the other side in the lanes of
// the processor's vectors. Both sides are widened first; a pair costs an exponential, so that reading them
// again from the caches is nothing beside it.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"
#include "losses/score_pairs.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

__global__ void __launch_bounds__(kThreads, kBlocks) widen_kernel(const __grid_constant__ Call c) {
  const BothScores s(c);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t i = uint64_t(blockIdx.x) * kThreads + threadIdx.x; i < c.rows + c.others; i += stride) {
    if (i < c.rows) {
      s.positive[i] = number_at<double>(c.inputs[0], i);
      s.incoming[i] = incoming_gradient(c, nullptr, i);
    } else {
      s.negative[i - c.rows] = number_at<double>(c.inputs[1], i - c.rows);
    }
  }
}

template <class T, bool wants_grad>
__global__ void __launch_bounds__(kThreads, kBlocks)
    positives_kernel(const __grid_constant__ Call c, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const BothScores s(c);
  const double count = static_cast<double>(c.others);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t first = uint64_t(blockIdx.x) * kTeams; first < c.rows; first += stride) {
    const uint64_t row = first + threadIdx.x / kTeam;
    T value[1] = {T(0)};
    if (row < c.rows) {
      const PairSums pairs = sum_negatives<true, wants_grad>(c, s, Doubles(s.positive[row]));
      const double sum = sum_lanes(pairs.linear) + sum_lanes(pairs.logs);
      if (lane() == 0) {
        value[0] = static_cast<T>(sum / count);
        if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
        tally.count(1);
      }
      if constexpr (wants_grad) {
        const double slope = sum_lanes(pairs.slopes);
        if (lane() == 0) put_float(c.grads[0], row, static_cast<T>(-(s.incoming[row] * slope / count)));
      }
    }
    if (c.wants_sum) tally.add(value);
  }
  tally.end(c, outcome);
}

template <class T>
__global__ void __launch_bounds__(kThreads, kBlocks) negatives_kernel(const __grid_constant__ Call c) {
  const BothScores s(c);
  const double count = static_cast<double>(c.others);
  const uint64_t stride = uint64_t(gridDim.x) * kTeams;
  for (uint64_t row = uint64_t(blockIdx.x) * kTeams + threadIdx.x / kTeam; row < c.others; row += stride) {
    const double sum = sum_lanes(sum_positives(c, s, Doubles(s.negative[row])));
    if (lane() == 0) put_float(c.grads[1], row, static_cast<T>(sum / count));
  }
}

template <class Loss, class T>
struct SiameseRun {
  static uint64_t memory(const Call& c) { return score_bytes(c); }

  static Code run(const Call& given, const Place& place) {
    Call c = given;
    c.shared = place.memory;
    const auto blocks = [&](uint64_t items, uint64_t each) {
      return grid_of(items, each, place.processors, 8);
    };
    Code code = launch(widen_kernel, blocks(c.rows + c.others, kThreads), kThreads, 0, place.stream, c);
    if (code != cudaSuccess) return code;
    const bool wants_grad = c.grads[0].data != nullptr;
    code = launch(wants_grad ? positives_kernel<T, true> : positives_kernel<T, false>, blocks(c.rows, kTeams),
                  kThreads, 0, place.stream, c, place.outcome_of<T>());
    if (code != cudaSuccess || !wants_grad) return code;
    return launch(negatives_kernel<T>, blocks(c.others, kTeams), kThreads, 0, place.stream, c);
  }
};

}  // namespace

extern const DriverRuns siamese_runs;
constinit const DriverRuns siamese_runs = RunsOf<SiameseRun, List<SiameseTriplet>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
