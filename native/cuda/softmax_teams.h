// The softmax of short rows in one read and one write of memory: eight threads for each run of a row, so that
// a warp has one row of four runs, two of two, or four of one.
#pragma once

#include "cuda/softmax_run.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kTeamsBlock = 128, kTeamsWarps = kTeamsBlock / 32, kWarpRuns = 32 / kRunThreads;

/** What the threads of a block share, before the numbers of each. */
struct alignas(16) TeamMemory {
  BlockTally<float> tally;
  float sums[kTeamsWarps][2][kWarpRuns][32];  // by runs and lanes: the whole parts, and the rest
};

/** Adds up what a row's threads found, in the order of measure_chunk; the row's runs begin with `first` of
 * the warp's. */
LOSSKIT_INLINE double sum_runs(const float (&sums)[kWarpRuns][32], unsigned first, unsigned runs) {
  const unsigned i = threadIdx.x % kRunThreads;
  double low = 0, high = 0;  // of lanes i and i + 8
  for (unsigned run = first; run < first + runs; ++run) {
    low = low + (static_cast<double>(sums[run][i]) + static_cast<double>(sums[run][i + 16]));
    high = high + (static_cast<double>(sums[run][i + 8]) + static_cast<double>(sums[run][i + 24]));
  }
  double sum = low + high;
  for (int distance = 4; distance > 0; distance /= 2) sum = sum + __shfl_xor_sync(kWarp, sum, distance);
  return sum;
}

template <class Loss, class S, class P>
__global__ void __launch_bounds__(kTeamsBlock, 6)
    team_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                        Outcome<float>* outcome, unsigned runs) {
  TeamMemory& memory = *dynamic_shared<TeamMemory>();
  Tally<float> tally(memory.tally);
  const bool by_weights = is_mean_weighted(c), wants_grad = c.grads[0].data != nullptr;
  const unsigned warp = threadIdx.x / 32, team = runs * kRunThreads, rows_at_once = 32 / team;
  const unsigned leader = lane_of_warp() / team * team, run = (lane_of_warp() - leader) / kRunThreads;
  const unsigned first = run * kRun + threadIdx.x % kRunThreads * 4;  // column of this thread
  const int64_t left = static_cast<int64_t>(c.columns) - first;
  const auto steps = static_cast<unsigned>(
      runs > 1 ? kSteps : (c.columns + 32 * kStepsAtOnce - 1) / (32 * kStepsAtOnce) * kStepsAtOnce);
  const bool leads = lane_of_warp() == leader;
  const Share<S> share = {reinterpret_cast<Floats*>(&memory + 1) + threadIdx.x, kTeamsBlock,
                          c.inputs[0].dtype == Dtype::bfloat16, steps};
  auto& sums = memory.sums[warp];
  const uint64_t stride = uint64_t(gridDim.x) * kTeamsWarps * rows_at_once;
  for (uint64_t start = (uint64_t(blockIdx.x) * kTeamsWarps + warp) * rows_at_once; start < c.rows;
       start += stride) {
    const uint64_t row = start + leader / team;
    const bool is_there = row < c.rows;
    const int64_t label = is_there ? label_of<1>(c, row) : kBad;
    const uint64_t place = Scores<float>(c, c.inputs[0], row).first;
    const S* const scores = static_cast<const S*>(c.inputs[0].data) + place + first;
    S* const grads = static_cast<S*>(c.grads[0].data) + place + first;
    const bool counts = label >= 0, in_one = is_quad<S>(scores) && is_quad<S>(grads) && c.columns % 4 == 0;
    // Before anyone writes a gradient where scores stand.
    const float of_label =
        counts && leads ? float_at<float>(c.inputs[0], place + static_cast<uint64_t>(label)) : 0;
    float largest = -infinity<float>;
    if (counts) {
      if (in_one) {
        share.read(InOneIfAny(), scores, left);
      } else {
        share.read(AsFarAs(), scores, left);
      }
      largest = share.largest();
    }
    largest = largest_among(largest, static_cast<int>(team));
    if (counts) {
      UnitSum<vec<float, kTeam>> sum[4];
      share.exponentiate(largest, wants_grad, sum);
      for (int i = 0; i < 4; ++i) {
        sums[0][lane_of_warp() / kRunThreads][first % 32 + i] = sum[i].whole().v;
        sums[1][lane_of_warp() / kRunThreads][first % 32 + i] = sum[i].rest().v;
      }
    }
    __syncwarp();
    const unsigned first_run = leader / kRunThreads;
    const Chunk whole = {static_cast<double>(largest), sum_runs(sums[0], first_run, runs),
                         sum_runs(sums[1], first_run, runs), 0, 0};
    Row<float> r{};
    if (counts && leads) r = finish_row<Loss>(c, params, scale, row, label, of_label, whole);
    const float factor = __shfl_sync(kWarp, static_cast<float>(r.factor), static_cast<int>(leader));
    const float label_grad = __shfl_sync(kWarp, r.label_grad, static_cast<int>(leader));
    if (wants_grad && counts) {
      if (in_one) {
        share.write(InOneIfAny(), grads, left, factor);
      } else {
        share.write(AsFarAs(), grads, left, factor);
      }
      const uint64_t beyond = static_cast<uint64_t>(label) - first;
      if (beyond < kRun && beyond % 32 < 4)
        put_float(c.grads[0], place + static_cast<uint64_t>(label), label_grad);
    } else if (wants_grad && label == kIgnored) {
      share.clear(AsFarAs(), grads, left);
    }
    if (leads && is_there) {
      if (label == kBad) tally.fault(row, 1, Status::label);
      if (c.values.data != nullptr) static_cast<float*>(c.values.data)[row] = r.value;
      if (c.wants_sum) tally.add_alone(r.value);
      if (by_weights && c.wants_sum && counts) tally.add_weight_alone(r.weight);
      tally.count(counts);
    }
    __syncwarp();  // the next rows use the same sums
  }
  tally.end(c, outcome);
}

template <class Loss, class S>
Code launch_teams(const Call& c, const Place& place) {
  using P = typename Loss::template Params<double>;
  const unsigned runs = c.columns <= kRun ? 1 : c.columns <= 2 * kRun ? 2 : kWarpRuns;
  const unsigned grid = grid_of(c.rows, kTeamsWarps * kWarpRuns / runs, place.processors, 6);
  const size_t shared = sizeof(TeamMemory) + kTeamsBlock * kSteps * sizeof(Floats);
  return launch(team_softmax_kernel<Loss, S, P>, grid, kTeamsBlock, shared, place.stream, c, P(c.params),
                place.scale_of<float>(), place.outcome_of<float>(), runs);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
