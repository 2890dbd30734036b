// Losses of boxes: a pair of boxes for each thread, in float64 as on the processor, rounded once.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

using Coordinate = vec<double, kTeam>;

template <class T>
LOSSKIT_INLINE Box<Coordinate> box_at(const Tensor& t, uint64_t row, bool is_there) {
  const Four<T> corners = read_each<T>(t, 4 * row, is_there ? kEach : 0);
  const auto at = [&corners](int i) { return Coordinate(static_cast<double>(corners.of[i])); };
  return {at(0), at(1), at(2), at(3)};
}

template <class Loss, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    box_kernel(const __grid_constant__ Call c, const typename Loss::Params params, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    const bool is_there = row < c.rows;
    const Box<Coordinate> pred = box_at<T>(c.inputs[0], row, is_there);
    const Box<Coordinate> target = box_at<T>(c.inputs[1], row, is_there);
    const BoxOut<Coordinate> out = Loss::at(pred, target, params);
    const Coordinate weight(is_there ? row_weight(c, row) : 1);
    const T value[1] = {is_there ? static_cast<T>((out.value * weight).v) : T(0)};
    if (is_there && c.grads[0].data != nullptr) {
      const Coordinate incoming(incoming_gradient(c, nullptr, row));
      const Box<Coordinate> slope = (incoming * weight) * out.grad;
      const Four<T> corners = {{static_cast<T>(slope.x1.v), static_cast<T>(slope.y1.v),
                                static_cast<T>(slope.x2.v), static_cast<T>(slope.y2.v)}};
      write_each(c.grads[0], 4 * row, kEach, corners);
    }
    if (is_there && c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
    if (c.wants_sum) tally.add(value);
    tally.count(is_there);
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct BoxRun {
  static Code run(const Call& c, const Place& place) {
    const typename Loss::Params params(c.params);
    const unsigned grid = grid_of(c.rows, kThreads, place.processors, 8);
    return launch(box_kernel<Loss, T>, grid, kThreads, 0, place.stream, c, params, place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns boxes_runs;
constinit const DriverRuns boxes_runs = RunsOf<BoxRun, BoxLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
