// The slope of a root of the mean, which its gradient must know first.
#pragma once

#include "cuda/driver.h"

namespace losskit::cuda {

/** Makes `place.scaled` an outcome whose scale is that of the gradients: the call is run for its value
 * first. `divisor` is that of the mean. */
template <class T>
Code slope(const Call& c, const Run& loss, double upstream, double divisor, const Place& place);

}  // namespace losskit::cuda
