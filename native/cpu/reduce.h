// The reduced loss, from the sums of a call.
#pragma once

#include "cpu/call.h"

namespace losskit {

enum class Reduction : int { none, sum, mean };

/** `divisor` replaces the mean's own, which is the weight or the count; NaN for none. */
template <class T>
double reduce(const Sums<T>& sums, bool by_weights, Reduction reduction, double divisor);

}  // namespace losskit
