// What a call is to the kernels, and what they give back: plain data, shared by code compiled with different
// flags.
#pragma once

#include "storage.h"
#include "sum/exact_sum.h"

namespace losskit {

/** One loss over one batch. */
struct Call {
  Tensor pred, target, weight, extra, upstream;
  MutableTensor values, grad;
  uint64_t rows;     // elements, or rows of class scores
  uint64_t classes;  // 0 for losses over elements
  double scale;      // multiplies every gradient: upstream / divisor
  double params[4];
  int64_t ignore_index;
  double label_smoothing;
  int kernel;
  bool has_ignore_index;
  bool wants_sum;
  bool stream;  // gradients go past the caches
};

enum class Status : int { ok, label, pred, target, aborted };
constexpr int kStatuses = 5;
constexpr const char* kStatusNames[kStatuses] = {"ok", "label", "pred", "target", "aborted"};

/** Why inputs were refused, and where. */
struct Fault {
  Status status;
  uint64_t index;
  double value;
};

/** What one thread has gathered. */
template <class T>
struct Sums {
  ExactSum<T> total;
  ExactSum<T> weight;  // of class weights; unused without them
  uint64_t count;
  Fault fault;
};

/** A row's class scores are measured in chunks of this many, each on its own, so that any thread may take any
 * chunk. */
constexpr uint64_t kChunk = 4096;

/** What a chunk of a row contributes to its softmax. */
struct Chunk {
  double max;   // m: the largest score
  double ones;  // how many e^(x - m) are 1
  double rest;  // the sum of the others; apart, so that a confident row keeps the digits of its small loss
  double dot;   // of q (m - x), for a target distribution q
  double mass;  // of q
};

/** A finished row: its loss, and what its gradient is made of: grad_j = e^(x_j - max) factor - uniform q_j.
 */
template <class T>
struct Row {
  T max, value;
  T label_grad;   // replaces the gradient of the label's own class
  int64_t label;  // -1: the target is a distribution; the row's gradient is 0 if `ignored`
  double factor, uniform;
  double weight;  // the class weight of the label
  bool ignored;
};

template <class T>
struct RowKernels {
  /** Whole rows, one thread. */
  void (*rows)(const Call&, uint64_t begin, uint64_t end, Sums<T>&);
  /** A row in pieces, for several threads: measure chunks, finish the row, write the gradient of chunks. */
  Chunk (*measure)(const Call&, uint64_t row, uint64_t chunk);
  Row<T> (*finish)(const Call&, uint64_t row, const Chunk*, Sums<T>&);
  void (*gradient)(const Call&, uint64_t row, uint64_t chunk, const Row<T>&);
};

/** Indexed by what is wanted. */
enum Wanted : int { kValue, kGrad, kValueAndGrad };

template <class T>
struct Kernels {
  using Elements = void (*)(const Call&, uint64_t begin, uint64_t end, Sums<T>&);
  const Elements (*elements)[3];
  const RowKernels<T>* rows;
  /** Checks labels, counts the rows that are not ignored and sums their class weights. */
  void (*survey)(const Call&, uint64_t begin, uint64_t end, Sums<T>&);
  /** Adds n numbers to a sum. */
  void (*add)(const T*, uint64_t n, ExactSum<T>&);
};

/** All that one instruction set exports. */
struct KernelTable {
  const char* isa;
  Kernels<float> f32;
  Kernels<double> f64;
};

}  // namespace losskit
