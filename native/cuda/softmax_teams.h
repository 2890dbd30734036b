// The softmax of short rows in one read and one write of memory: four threads for each run of a row, so that
// a warp has one row of eight runs, two of four, four of two, or eight of one.
#pragma once

#include "cuda/softmax_run.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kTeamsBlock = 128, kTeamsWarps = kTeamsBlock / 32, kTeamsAtOnce = 3;

/** What the threads of a block share, before the numbers of each. */
struct alignas(16) TeamMemory {
  BlockTally<float> tally;
  float sums[kTeamsWarps][2][kWarpRuns][32];  // by runs and lanes: the whole parts, and the rest
};

/** Adds up what a row's threads found, in the order of measure_chunk; the row's runs begin with `first` of
 * the warp's. */
LOSSKIT_INLINE double sum_runs(const float (&sums)[kWarpRuns][32], unsigned first, unsigned runs) {
  double of[4] = {};  // of lanes i, i + 4, i + 8 and i + 12
  for (unsigned run = first; run < first + runs; ++run) {
    const float* const lanes = sums[run] + threadIdx.x % kRunThreads;
    for (int k = 0; k < 4; ++k)
      of[k] = of[k] + (static_cast<double>(lanes[4 * k]) + static_cast<double>(lanes[4 * k + 16]));
  }
  double sum = (of[0] + of[2]) + (of[1] + of[3]);
  for (int distance = 2; distance > 0; distance /= 2) sum = sum + __shfl_xor_sync(kWarp, sum, distance);
  return sum;
}

template <class Loss, class S, class P>
__global__ void __launch_bounds__(kTeamsBlock, kTeamsAtOnce)
    team_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                        Outcome<float>* outcome, unsigned runs) {
  TeamMemory& memory = *dynamic_shared<TeamMemory>();
  Tally<float> tally(memory.tally);
  const bool by_weights = is_mean_weighted(c), wants_grad = c.grads[0].data != nullptr;
  const unsigned warp = threadIdx.x / 32, team = runs * kRunThreads, rows_at_once = 32 / team;
  const unsigned leader = lane_of_warp() / team * team, of_warp = lane_of_warp() / kRunThreads;
  const unsigned begin = (of_warp - leader / kRunThreads) * kRun;  // of this thread's run
  const int left = static_cast<int>(c.columns) - static_cast<int>(begin);
  const auto few =
      static_cast<unsigned>((c.columns + 32 * kStepsAtOnce - 1) / (32 * kStepsAtOnce) * kStepsAtOnce);
  const bool leads = lane_of_warp() == leader;
  const Share<S> share = {reinterpret_cast<Piece<float>*>(&memory + 1) + threadIdx.x, blockDim.x,
                          c.inputs[0].dtype == Dtype::bfloat16, runs > 1 ? kSteps : few};
  auto& sums = memory.sums[warp];
  const unsigned warps = blockDim.x / 32;
  const uint64_t stride = uint64_t(gridDim.x) * warps * rows_at_once;
  for (uint64_t start = (uint64_t(blockIdx.x) * warps + warp) * rows_at_once; start < c.rows;
       start += stride) {
    const uint64_t row = start + leader / team;
    const bool is_there = row < c.rows;
    const int64_t label = is_there ? label_of<1>(c, row) : kBad;
    const uint64_t place = Scores<float>(c, c.inputs[0], row).first;
    const S* const scores = static_cast<const S*>(c.inputs[0].data) + place + begin;
    S* const grads = static_cast<S*>(c.grads[0].data) + place + begin;
    const bool counts = label >= 0;
    const bool whole_accesses = in_pieces(scores) && in_pieces(grads) && c.columns % Piece<S>::numbers == 0;
    if (counts) {
      if (whole_accesses) {
        share.read(Whole(), scores, left);
      } else {
        share.read(OneByOne(), scores, left);
      }
    }
    // Before anyone writes a gradient where it stands.
    const float of_label =
        counts && leads ? float_at<float>(c.inputs[0], place + static_cast<uint64_t>(label)) : 0;
    finish_copies();
    const float largest = largest_among(counts ? share.largest() : -infinity<float>, static_cast<int>(team));
    Held<0> none;
    if (counts) {
      const LaneSums lanes = share.exponentiate(largest, wants_grad, none);
      share.leave(lanes, sums[0][of_warp], sums[1][of_warp]);
    }
    __syncwarp();
    const unsigned first_run = leader / kRunThreads;
    const Chunk whole = {static_cast<double>(largest), sum_runs(sums[0], first_run, runs),
                         sum_runs(sums[1], first_run, runs), 0, 0};
    Row<float> r{};
    if (counts && leads) r = finish_row<Loss, false>(c, params, scale, row, label, of_label, whole);
    const float factor = __shfl_sync(kWarp, static_cast<float>(r.factor), static_cast<int>(leader));
    const float label_grad = __shfl_sync(kWarp, r.label_grad, static_cast<int>(leader));
    if (wants_grad && counts) {
      if (whole_accesses) {
        share.write(Whole(), grads, left, factor, none);
      } else {
        share.write(OneByOne(), grads, left, factor, none);
      }
    } else if (wants_grad && label == kIgnored) {
      share.clear(grads, left);
    }
    __syncwarp();  // the gradient of the label is written after the others; the next rows use the same sums
    if (leads && is_there) {
      if (wants_grad && counts) put_float(c.grads[0], place + static_cast<uint64_t>(label), label_grad);
      if (label == kBad) tally.fault(row, 1, Status::label);
      if (c.values.data != nullptr) static_cast<float*>(c.values.data)[row] = r.value;
      if (c.wants_sum) tally.add_alone(r.value);
      if (by_weights && c.wants_sum && counts) tally.add_weight_alone(r.weight);
      tally.count(counts);
    }
  }
  tally.end(c, outcome);
}

template <class Loss, class S>
Code launch_teams(const Call& c, const Place& place) {
  using P = typename Loss::template Params<double>;
  unsigned runs = 1;
  while (runs * kRun < c.columns) runs *= 2;
  // Smaller blocks where a block may share less.
  const auto shared = [](unsigned block) { return sizeof(TeamMemory) + block * kSteps * sizeof(Floats); };
  const auto most = static_cast<size_t>(attribute_of_device(cudaDevAttrMaxSharedMemoryPerBlockOptin));
  const unsigned block = shared(kTeamsBlock) <= most ? kTeamsBlock : kTeamsBlock / 2;
  const unsigned grid = grid_of(c.rows, block / kRunThreads / runs, place.processors, kTeamsAtOnce);
  return launch(team_softmax_kernel<Loss, S, P>, grid, block, shared(block), place.stream, c, P(c.params),
                place.scale_of<float>(), place.outcome_of<float>(), runs);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
