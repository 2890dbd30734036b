// Partial results as bytes: what an accumulator holds, saves and sends.
//
//   0  "LKS" and the version
//   4  0 for sums of float32 terms, 1 of float64
//   5  1 if the mean divides by class weights
//   8  elements or rows counted
//  16  the sum of the terms: limbs, special terms; then that of the weights
//
// Little endian, as every machine Node runs on. Equal sets of terms give equal bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cpu/call.h"

namespace losskit {

constexpr size_t kStateHeader = 16;

template <class T>
constexpr size_t kStateBytes = kStateHeader + 2 * sizeof(ExactSum<T>);

struct StateHeader {
  char magic[3];
  uint8_t version, is_double, by_weights, zero[2];
  uint64_t count;
};
static_assert(sizeof(StateHeader) == kStateHeader);

/** The header, if the bytes are a state. */
bool read_state_header(const uint8_t* bytes, size_t size, StateHeader& header);

void init_state(uint8_t* bytes, bool is_double);

template <class T>
Sums<T> read_state(const uint8_t* bytes);

/** Adds to the state. */
template <class T>
void add_to_state(uint8_t* bytes, const Sums<T>& sums, bool by_weights);

}  // namespace losskit
