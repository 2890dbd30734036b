// Runs a call: divisor first, then the kernels over pieces of the batch, on as many threads as pay.
#pragma once

#include <stdint.h>

#include "cpu/reduce.h"

namespace losskit {

/** A function of the mean that is the loss. */
enum class Outer : int { none, root };

/** Who multiplies matrices on a device: losskit, with the bits of the processor, or cuBLAS, with its own. */
enum class Matmul : int { exact, cublas };

/** A call and what its numbers mean for the reduced loss. */
struct Job {
  Call call;
  Reduction reduction;
  Outer outer;  // whose gradients devices give; others are given the slope with the incoming gradient
  double upstream;
  double divisor;  // NaN: the mean's own
  Matmul matmul;
  uint64_t workspace;  // bytes for logits that cuBLAS has computed
  bool wants_value;
  int32_t* cancel;  // stops at the next piece when it becomes 1; may be null
};

/** Whether the mean divides by the class weights of the rows, not by their number. */
bool divides_by_weights(const Call& call);

/** About how long it takes one thread: in bytes that it could read in that time. */
uint64_t work_of(const Job& job);

/** The way of a few plain numbers, which needs no sum that threads could share. */
struct BriefRun {
  Brief compute;  // null where the job is of another kind
  double divisor;

  /** The reduced value, and the gradients if they are asked for. False where the job has to be run. */
  bool operator()(const Call& call, double& value) const {
    double sum;
    if (compute == nullptr || !compute(call, sum)) return false;
    value = sum / divisor;
    return true;
  }
};

/** Prepares the job for its brief run, if it has one, in the instruction set that is active. */
BriefRun brief_run_of(Job& job);

/** Fills `sums`; a fault in them says that inputs were refused or the job was cancelled. What is prepared for
 * the kernels is left in the job, which may run again. */
template <class T>
void run(Job& job, Sums<T>& sums);

}  // namespace losskit
