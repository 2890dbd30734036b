#include "addon/outcome.h"

#include <limits>
#include <new>

namespace losskit {
namespace {

template <class T>
Outcome run_typed(Job& job, uint8_t* state) {
  Sums<T> sums;
  run(job, sums);
  const HowToReduce how = how_to_reduce(job);
  if (state != nullptr && sums.fault.status == Status::ok) add_to_state(state, sums, how.by_weights);
  return outcome_of(sums, how);
}

}  // namespace

HowToReduce how_to_reduce(const Job& job) {
  return {divides_by_weights(job.call), job.wants_value, job.reduction, job.divisor};
}

template <class T>
Outcome outcome_of(const Sums<T>& sums, const HowToReduce& how) {
  Outcome outcome = {sums.fault, std::numeric_limits<double>::quiet_NaN(), sums.count};
  if (sums.fault.status == Status::ok && how.wants_value) {
    outcome.value = reduce(sums, how.by_weights, how.reduction, how.divisor);
  }
  return outcome;
}

template Outcome outcome_of(const Sums<float>&, const HowToReduce&);
template Outcome outcome_of(const Sums<double>&, const HowToReduce&);

Outcome run_job(Job& job, uint8_t* state) {
  double value;
  if (state == nullptr && brief_run_of(job)(job.call, value))
    return {{Status::ok, 0, 0, 0}, value, job.call.rows};
  return run_by_sums(job, state);
}

Outcome run_by_sums(Job& job, uint8_t* state) {
  const bool in_double = job.call.inputs[0].dtype == Dtype::float64;
  try {
    return in_double ? run_typed<double>(job, state) : run_typed<float>(job, state);
  } catch (const std::bad_alloc&) {
    return {{Status::aborted, 0, 0, 0}, std::numeric_limits<double>::quiet_NaN(), 0};
  }
}

}  // namespace losskit
