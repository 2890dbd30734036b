// Cross-entropy of a linear layer, whose logits are never held: those of a tile of rows and classes are
// computed in float64 where they are measured, and again where their derivatives are added up.
#include "cuda/pair_gradients.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss>
__global__ void __launch_bounds__(kThreads, kBlocks) labels_kernel(const __grid_constant__ Call c) {
  const Rows r = rows_of<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t row = uint64_t(blockIdx.x) * kThreads + threadIdx.x; row < c.rows; row += stride)
    r.labels[row] = label_of<Loss::labels>(c, row);
}

template <class Loss, class T>
struct LinearRun {
  static uint64_t memory(const Call& c) { return pairs_bytes(c); }

  static Code run(const Call& given, const Place& place) {
    Call c = given;
    c.shared = place.memory;
    Code code = launch(labels_kernel<Loss>, grid_of(c.rows, kThreads, place.processors, 8), kThreads, 0,
                       place.stream, c);
    if (code == cudaSuccess) code = measure_pairs<Loss, T>(c, place);
    if (code == cudaSuccess) code = finish_pairs<Loss, T>(c, place);
    return code != cudaSuccess ? code : write_gradients<Loss, T>(c, place);
  }
};

}  // namespace

extern const DriverRuns linear_runs;
constinit const DriverRuns linear_runs =
    RunsOf<LinearRun, List<LinearCrossEntropy, LinearCrossEntropyBias>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
