#include "addon/outcome.h"

#include <limits>
#include <new>

namespace losskit {
namespace {

template <class T>
Outcome run_typed(Job& job, uint8_t* state) {
  Sums<T> sums;
  run(job, sums);
  const bool by_weights = divides_by_weights(job.call);
  Outcome outcome = {sums.fault, std::numeric_limits<double>::quiet_NaN(), sums.count};
  if (sums.fault.status != Status::ok) return outcome;
  if (job.wants_value) outcome.value = reduce(sums, by_weights, job.reduction, job.divisor);
  if (state != nullptr) add_to_state(state, sums, by_weights);
  return outcome;
}

}  // namespace

Outcome run_job(Job& job, uint8_t* state) {
  double value;
  if (state == nullptr && run_briefly(job, value)) return {{Status::ok, 0, 0, 0}, value, job.call.rows};
  const bool in_double = job.call.inputs[0].dtype == Dtype::float64;
  try {
    return in_double ? run_typed<double>(job, state) : run_typed<float>(job, state);
  } catch (const std::bad_alloc&) {
    return {{Status::aborted, 0, 0, 0}, std::numeric_limits<double>::quiet_NaN(), 0};
  }
}

}  // namespace losskit
