// What a finished job gives back.
#pragma once

#include "addon/state.h"
#include "cpu/run.h"

namespace losskit {

struct Outcome {
  Fault fault;
  double value;    // NaN unless a reduced value was asked for
  uint64_t count;  // of the values that count
};

/** How a reduced value is made of sums. */
struct HowToReduce {
  bool by_weights, wants_value;
  Reduction reduction;
  double divisor;
};

HowToReduce how_to_reduce(const Job& job);

template <class T>
Outcome outcome_of(const Sums<T>& sums, const HowToReduce& how);

/** Runs the job; adds its sums to a state where one is given, and only if nothing was wrong with the inputs.
 */
Outcome run_job(Job& job, uint8_t* state);

/** The same of a job that has no brief run, or whose brief run failed. */
Outcome run_by_sums(Job& job, uint8_t* state);

}  // namespace losskit
