// The slope of a root of the mean, which its gradient must know first.
#include "cuda/slope.h"

#include "simd/cuda.h"
#include "sum/divide.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** As the processor's caller computes it, operation by operation. */
template <class T>
__global__ void slope_kernel(double upstream, double divisor, Outcome<T>* outcome) {
  ExactSum<T> total;
  limbs_of(outcome->total, total);
  total.special = outcome->total_special;
  const double mean = rounded_quotient(total, divisor);
  const double slope = mean == 0 ? 0 : 0.5 / square_root(mean);
  outcome->scale = upstream * slope / divisor;
}

}  // namespace

template <class T>
Code slope(const Call& c, const Run& loss, double upstream, double divisor, const Place& place) {
  Outcome<T>* const outcome = static_cast<Outcome<T>*>(place.scaled);
  Code code = cudaMemsetAsync(outcome, 0, sizeof *outcome, stream_of(place.stream));
  if (code != cudaSuccess) return code;
  Call value = c;
  value.values = {};
  for (MutableTensor& grad : value.grads) grad = {};
  value.wants_sum = true;
  code = loss.run(value, {place.stream, place.processors, outcome, place.memory, nullptr});
  if (code != cudaSuccess) return code;
  return launch(slope_kernel<T>, 1, 1, 0, place.stream, upstream, divisor, outcome);
}

template Code slope<float>(const Call&, const Run&, double, double, const Place&);
template Code slope<double>(const Call&, const Run&, double, double, const Place&);

}  // namespace LOSSKIT_ISA
}  // namespace losskit
