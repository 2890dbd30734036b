// Reading an exact sum: the only place where it is rounded.
#pragma once

#include "sum/exact_sum.h"

namespace losskit {

/** The sum, to the nearest double, ties to even; infinite beyond the largest double; NaN and infinities as
 * IEEE addition. */
template <class T>
double value_of(const ExactSum<T>& sum);

/** sum / divisor, rounded once. */
template <class T>
double quotient(const ExactSum<T>& sum, double divisor);

/** sum / divisor of two exact sums, rounded once. */
template <class T>
double quotient(const ExactSum<T>& sum, const ExactSum<T>& divisor);

template <class T>
void merge(ExactSum<T>& into, const ExactSum<T>& from);

}  // namespace losskit
