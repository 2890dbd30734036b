// The divisor of a mean that a gradient must know first.
#pragma once

#include "cpu/catalogue.h"
#include "cuda/driver.h"

namespace losskit::cuda {

/** Whether the labels of a loss say which rows belong together, not which class a row is of. */
inline bool names_clusters(const Kernel& kernel) {
  return kernel.driver == Driver::all_pairs && kernel.labels == 1;
}

/** Makes `place.scaled` an outcome whose scale is that of the gradients. */
template <class T>
Code survey(const Call& c, double upstream, bool by_weights, const Place& place);

}  // namespace losskit::cuda
