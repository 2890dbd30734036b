// The divisor of a mean that a gradient must know first.
#pragma once

#include "cuda/driver.h"

namespace losskit::cuda {

/** Makes `place.scaled` an outcome whose scale is that of the gradients. */
template <class T>
Code survey(const Call& c, double upstream, bool by_weights, const Place& place);

}  // namespace losskit::cuda
