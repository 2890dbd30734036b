// The divisor of a mean that a gradient must know first: how many rows count, or the weights of their
// classes.
#include "cuda/survey.h"

#include "cuda/rows.h"
#include "sum/round.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, int input>
__global__ void __launch_bounds__(kThreads, kBlocks)
    survey_kernel(const __grid_constant__ Call c, Outcome<T>* outcome) {
  __shared__ BlockTally<T> block;
  Tally<T> tally(block);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    const int64_t label = row < c.rows ? label_at<input>(c, row, tally) : kBad;
    if (c.weight.data != nullptr) tally.add_weight(label >= 0 ? class_weight<T>(c, label) : T(0));
    tally.count(label >= 0);
  }
  tally.end(c, outcome);
}

/** Of clusters: counts the rows of those of more than one, which have a loss. A thread for each row; what all
 * compare theirs with is read once for a block. */
template <class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    anchors_kernel(const __grid_constant__ Call c, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  __shared__ int64_t others[kThreads];
  Tally<T, false> tally(block);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    const int64_t own = row < c.rows ? number_at<int64_t>(c.inputs[1], row) : 0;
    bool found = false;
    for (uint64_t first = 0; first < c.rows; first += kThreads) {
      if (first + threadIdx.x < c.rows)
        others[threadIdx.x] = number_at<int64_t>(c.inputs[1], first + threadIdx.x);
      __syncthreads();
      const uint64_t count = c.rows - first < kThreads ? c.rows - first : kThreads;
      for (uint64_t k = 0; k < count; ++k) found |= others[k] == own && first + k != row;
      __syncthreads();
    }
    tally.count(found && row < c.rows);
  }
  tally.end(c, outcome);
}

template <class T>
__global__ void scale_kernel(double upstream, bool by_weights, Outcome<T>* outcome) {
  ExactSum<T> weight;
  limbs_of(outcome->weight, weight);
  weight.special = outcome->weight_special;
  const double divisor = by_weights ? rounded_value(weight) : static_cast<double>(outcome->count);
  outcome->scale = upstream / divisor;
}

}  // namespace

template <class T>
Code survey(const Call& c, double upstream, bool by_weights, const Place& place) {
  Outcome<T>* const outcome = static_cast<Outcome<T>*>(place.scaled);
  Code code = cudaMemsetAsync(outcome, 0, sizeof *outcome, stream_of(place.stream));
  if (code != cudaSuccess) return code;
  const unsigned grid = grid_of(c.rows, kThreads, place.processors, 8);
  const auto kernel = names_clusters(kernel_at(c.kernel)) ? anchors_kernel<T>
                      : kernel_at(c.kernel).labels == 2   ? survey_kernel<T, 2>
                                                          : survey_kernel<T, 1>;
  code = launch(kernel, grid, kThreads, 0, place.stream, c, outcome);
  if (code != cudaSuccess) return code;
  return launch(scale_kernel<T>, 1, 1, 0, place.stream, upstream, by_weights, outcome);
}

template Code survey<float>(const Call&, double, bool, const Place&);
template Code survey<double>(const Call&, double, bool, const Place&);

}  // namespace LOSSKIT_ISA
}  // namespace losskit
