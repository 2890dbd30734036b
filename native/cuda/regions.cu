// Losses of regions: a block for each image. Its teams of sixteen threads measure chunks of 4096 pixels in
// the lanes of the processor's vectors, the chunks are added in order, and the gradient reads the image
// again.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr uint64_t kPixels = 4096;

/** What is neither 0 nor 1 where a loss has no gradient: it is of masks, not of probabilities. */
template <class Loss, class T>
LOSSKIT_INLINE void check_binary(T x, int input, uint64_t index, Tally<T, false>& tally) {
  if constexpr (gradients_of<Loss>().count == 0) {
    if (!(x == T(0) || x == T(1))) tally.fault(index, input, Status::domain);
  }
}

/** Measures pixels [first, first + n), by a team. */
template <class Loss, class T>
LOSSKIT_INLINE Overlap measure_pixels(const Call& c, uint64_t first, uint64_t n, Tally<T, false>& tally) {
  double both = 0, only_pred = 0, only_target = 0;
  for (uint64_t i = lane(); i < n; i += kTeam) {
    const T p = number_at<T>(c.inputs[0], first + i), t = number_at<T>(c.inputs[1], first + i);
    check_binary<Loss>(p, 0, first + i, tally);
    check_binary<Loss>(t, 1, first + i, tally);
    const double x = static_cast<double>(p), y = static_cast<double>(t);
    both = fused(x, y, both);
    only_pred = fused(x, 1 - y, only_pred);
    only_target = fused(y, 1 - x, only_target);
  }
  using D = vec<double, kTeam>;
  return {sum_lanes(D(both)), sum_lanes(D(only_pred)), sum_lanes(D(only_target))};
}

/** By one thread of a block: the others keep their registers. */
template <class Loss>
LOSSKIT_SELDOM RegionOut finish_region(const Overlap overlap, const double* params) {
  return Loss::of(overlap, params);
}

template <class Loss, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    region_kernel(const __grid_constant__ Call c, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  __shared__ Overlap part[kTeams];
  __shared__ double slope, base;
  Tally<T, false> tally(block);
  const unsigned team = threadIdx.x / kTeam;
  const uint64_t chunks = (c.columns + kPixels - 1) / kPixels;
  for (uint64_t row = blockIdx.x; row < c.rows; row += gridDim.x) {
    const uint64_t image = row * c.columns;
    Overlap all{};  // of the first thread
    for (uint64_t first = 0; first < chunks; first += kTeams) {
      const uint64_t k = first + team, begin = k * kPixels;
      if (k < chunks) {
        const uint64_t n = c.columns - begin < kPixels ? c.columns - begin : kPixels;
        part[team] = measure_pixels<Loss>(c, image + begin, n, tally);
      }
      __syncthreads();
      if (threadIdx.x == 0) {
        const uint64_t count = chunks - first < kTeams ? chunks - first : kTeams;
        for (uint64_t i = 0; i < count; ++i) {
          all.both += part[i].both, all.only_pred += part[i].only_pred,
              all.only_target += part[i].only_target;
        }
      }
      __syncthreads();
    }
    T value[1] = {T(0)};
    if (threadIdx.x == 0) {
      const RegionOut out = finish_region<Loss>(all, c.params);
      const double weight = row_weight(c, row);
      const double incoming = incoming_gradient(c, nullptr, row) * weight;
      value[0] = static_cast<T>(weight * out.value);
      slope = incoming * out.slope, base = incoming * out.base;
      if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
      tally.count(1);
    }
    if (threadIdx.x < 32 && c.wants_sum) tally.add(value);
    __syncthreads();
    if (c.grads[0].data == nullptr) continue;
    for (uint64_t i = threadIdx.x; i < c.columns; i += kThreads) {
      const double target = static_cast<double>(number_at<T>(c.inputs[1], image + i));
      put_float(c.grads[0], image + i, static_cast<T>(fused(target, slope, base)));
    }
    __syncthreads();  // the next image has other slopes
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct RegionRun {
  static Code run(const Call& c, const Place& place) {
    const unsigned grid = grid_of(c.rows, 1, place.processors, 8);
    return launch(region_kernel<Loss, T>, grid, kThreads, 0, place.stream, c, place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns regions_runs;
constinit const DriverRuns regions_runs = RunsOf<RegionRun, RegionLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
