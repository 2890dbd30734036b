// What a block gathers for the outcome: the sum of its values, how many rows count, and the first fault.
#pragma once

#include "cuda/float_sum.h"
#include "cuda/tensor.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** In shared memory; with or without the weights that the mean divides by. */
template <class T, bool weighs = true>
struct BlockTally {
  BlockSum<T> total;
  BlockSum<T> weight[weighs ? 1 : 0];
  Word count, fault;
};

/** Adds a number by one thread, straight to the block's digits: where numbers are few, that spares the
 * registers of a ThreadSum. */
template <class T>
LOSSKIT_SELDOM void add_alone(T x, BlockSum<T>& block) {
  const unsigned special = Parts<T>(x).special();
  if (special != 0) {
    atomicOr(&block.special, special);
  } else {
    add_number(x, block);
  }
}

/** A thread's part. It is made, and ended, by all threads of the block together. */
template <class T, bool weighs = true>
class Tally {
 public:
  LOSSKIT_INLINE explicit Tally(BlockTally<T, weighs>& block) : block_(block) {
    clear(block.total);
    if constexpr (weighs) clear(block.weight[0]);
    if (threadIdx.x == 0) block.count = block.fault = 0;
    __syncthreads();
  }

  /** Values of a warp, n of each thread; 0 where it has none. */
  template <int n>
  LOSSKIT_INLINE void add(const T (&values)[n]) {
    total_.add(values, block_.total);
  }
  /** What they add to the divisor of the mean. */
  LOSSKIT_INLINE void add_weight(T weight) {
    const T weights[1] = {weight};
    weight_.add(weights, block_.weight[0]);
  }
  /** The same of a thread alone. */
  LOSSKIT_INLINE void add_alone(T value) { LOSSKIT_ISA::add_alone(value, block_.total); }
  LOSSKIT_INLINE void add_weight_alone(T weight) { LOSSKIT_ISA::add_alone(weight, block_.weight[0]); }
  LOSSKIT_INLINE void count(Word n) { count_ += n; }
  /** Seldom, so no thread keeps the first of its own. */
  LOSSKIT_INLINE void fault(uint64_t index, int input, Status status) {
    atomicMax(&block_.fault, ~fault_place(index, input, status));
  }

  /** Hands all to the outcome; the last block looks up what stood where the first fault is. */
  LOSSKIT_INLINE void end(const Call& c, Outcome<T>* outcome) {
    total_.flush(block_.total);
    if constexpr (weighs) weight_.flush(block_.weight[0]);
    if (count_ != 0) atomicAdd(&block_.count, count_);
    __syncthreads();
    add_to(block_.total, outcome->total, &outcome->total_special);
    if constexpr (weighs) add_to(block_.weight[0], outcome->weight, &outcome->weight_special);
    if (threadIdx.x != 0) return;
    if (block_.count != 0) atomicAdd(&outcome->count, block_.count);
    if (block_.fault != 0) atomicMax(&outcome->fault, block_.fault);
    __threadfence();
    if (atomicAdd(&outcome->blocks_done, 1u) + 1 != gridDim.x) return;
    const Word first = atomicMax(&outcome->fault, Word(0));
    if (first == 0) return;
    const Word place = ~first;
    outcome->fault_value = number_at<double>(c.inputs[place >> 2 & 3], place >> 4);
  }

 private:
  BlockTally<T, weighs>& block_;
  ThreadSum<T> total_, weight_;
  Word count_ = 0;
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
