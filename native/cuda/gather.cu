// Losses that read one score of a row: a warp for each row, for its gradient is zero but for that score.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    gather_kernel(const __grid_constant__ Call c, const P params, const double* scale, Outcome<T>* outcome) {
  using V = vec<T, kTeam>;
  __shared__ BlockTally<T> block;
  Tally<T> tally(block);
  const unsigned lane_of_warp = threadIdx.x & 31;
  const uint64_t stride = uint64_t(gridDim.x) * kWarps;
  for (uint64_t row = uint64_t(blockIdx.x) * kWarps + threadIdx.x / 32; row < c.rows; row += stride) {
    const int64_t label = label_at(c, row, tally);
    const Scores<T> score(c, c.inputs[0], row);
    T value(0), slope(0), weight(0);
    if (label >= 0) {
      weight = class_weight<T>(c, label);
      const Out<V> out = Loss::at(V(score(static_cast<uint64_t>(label))), params);
      value = weight * out.value.v;
      slope = weight * out.grad.v;
    }
    __syncwarp();  // every lane has read the score, which a gradient may replace
    if (c.grads[0].data != nullptr && label != kBad) {
      const double incoming = incoming_gradient(c, scale, row);
      for (uint64_t k = lane_of_warp; k < c.columns; k += 32) {
        const bool is_label = label >= 0 && k == static_cast<uint64_t>(label);
        const T grad = is_label ? static_cast<T>(incoming * static_cast<double>(slope)) : T(0);
        put_float(c.grads[0], score.place(k), grad);
      }
    }
    const bool gives = lane_of_warp == 0;
    if (gives && c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value;
    const T values[1] = {gives ? value : T(0)};
    if (c.wants_sum) tally.add(values);
    if (c.weight.data != nullptr && c.wants_sum) tally.add_weight(gives ? weight : T(0));
    tally.count(gives && label >= 0);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct GatherRun {
  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<T>;
    return launch_rows(gather_kernel<Loss, T, P>, c, place, kWarps);
  }
};

}  // namespace

extern const DriverRuns gather_runs;
constinit const DriverRuns gather_runs = RunsOf<GatherRun, GatherLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
