// What a call leaves on the device: exact sums in digits, and what the host has to know besides.
//
// A digit has 32 bits and stands in a 64-bit integer, to which any block may add by an atomic operation:
// adding integers is exact, so the sum does not depend on who came first. The digits' place values are those
// of the limbs of ExactSum.
#pragma once

#include <cuda_runtime.h>

#include "cpu/call.h"

namespace losskit::cuda {

using Word = unsigned long long;  // what atomic operations take

template <class T>
constexpr int kDigits = 2 * ExactSumShape<T>::limbs;

template <class T>
struct Outcome {
  Word total[kDigits<T>];
  Word weight[kDigits<T>];
  Word count;
  Word fault;          // ~(place of the fault), so that 0 is none and the greatest is the first
  double fault_value;  // what stood there
  double scale;        // of gradients, where it depends on the data
  unsigned total_special, weight_special;
  unsigned blocks_done;
};

/** A fault as one number: the first of a batch is the least, by element and then by input. */
__host__ __device__ inline Word fault_place(uint64_t index, int input, Status status) {
  return index << 4 | static_cast<Word>(input) << 2 | static_cast<Word>(status);
}

/** Digits, each of which may have grown beyond 32 bits or below 0, as limbs. */
template <class T>
__host__ __device__ inline void limbs_of(const Word* digits, ExactSum<T>& sum) {
  int64_t carry = 0;
  for (int i = 0; i < ExactSumShape<T>::limbs; ++i) {
    const int64_t low = static_cast<int64_t>(digits[2 * i]) + carry;
    const int64_t high = static_cast<int64_t>(digits[2 * i + 1]) + (low >> 32);
    sum.limb[i] = static_cast<uint64_t>(low & 0xffffffff) | static_cast<uint64_t>(high) << 32;
    carry = high >> 32;
  }
}

}  // namespace losskit::cuda
