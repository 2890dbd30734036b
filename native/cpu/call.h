// What a call is to the kernels, and what they give back: plain data, shared by code compiled with different
// flags.
#pragma once

#include "storage.h"
#include "sum/exact_sum.h"

namespace losskit {

constexpr int kInputs = 4, kGrads = 3, kParams = 4;

/** One loss over one batch. What is not there has no data. */
struct Call {
  Tensor inputs[kInputs];  // in the order of the loss's arguments
  Tensor weight;           // of elements, rows or classes: as the driver has it
  Tensor upstream;         // an incoming gradient for each value
  MutableTensor values;
  MutableTensor grads[kGrads];  // in the order of the kernel's gradients

  // The shape: each driver says at its head what these are to it.
  uint64_t rows;     // values of the loss
  uint64_t columns;  // numbers in a row
  uint64_t inner;    // positions that lie between two numbers of a row
  uint64_t others;   // rows of a second matrix, or another count

  double scale;  // multiplies every gradient: upstream / divisor
  double params[kParams];
  int64_t ignore_index;
  double label_smoothing;
  int kernel;
  bool has_ignore_index;
  bool is_mean;  // the reduction is the mean
  bool wants_sum;
  bool stream;       // gradients go past the caches
  bool from_memory;  // inputs are more than the caches of the cores hold
  bool fetches;      // they are to be asked for ahead of reading them
  void* shared;      // memory of the phases of this call
};

enum class Status : int { ok, label, domain, aborted };
constexpr int kStatuses = 4;
constexpr const char* kStatusNames[kStatuses] = {"ok", "label", "domain", "aborted"};

/** Why inputs were refused, and where: which input, which of its elements, and what stood there. */
struct Fault {
  Status status;
  int input;
  uint64_t index;
  double value;
};

/** Where the windows lay into which a thread added its last block, for its next piece of the batch. */
struct LastGuess {
  bool made;
  int top;
};

/** What one thread has gathered. */
template <class T>
struct Sums {
  ExactSum<T> total;
  ExactSum<T> weight;  // of class weights; unused without them
  uint64_t count;
  Fault fault;
  LastGuess guess;
};

/** Items [begin, end) of a call. `scratch` is memory of this thread alone, as large as the phase asks for. */
template <class T>
using Walk = void (*)(const Call&, uint64_t begin, uint64_t end, Sums<T>&, void* scratch);

using Measure = uint64_t (*)(const Call&);

/** A part of a call, whose items threads may take in any order. */
template <class T>
struct Phase {
  Walk<T> walk;
  Measure items;    // null: the rows
  Measure work;     // of all items: bytes read in the same time; null: the bytes of the tensors
  Measure scratch;  // bytes for each thread; null: none
};

/** How many rows a brief call has at most. */
constexpr uint64_t kBriefRows = 64;

/** The whole of a brief call at once, with gradients if they are asked for: their sum in a double that holds
 * all its digits. False where it has no such sum; then it has to be run. */
using Brief = bool (*)(const Call&, double& sum);

constexpr int kPhases = 4;

/** What is wanted of a call. */
enum Wanted : int { kValue, kGrad, kValueAndGrad };

/** The phases of a call, by what is wanted: each begins when the one before it is done. */
template <class T>
struct Plan {
  Phase<T> phases[3][kPhases];  // the first without a walk is the end
  Measure shared;               // bytes that the phases share; null: none
};

template <class T>
struct KernelEntry {
  Plan<T> plan;
  /** For few and long rows: the same in pieces of rows. `pieces` says in how many a row can be cut; null
   * where it cannot. */
  Plan<T> split;
  Measure pieces;
  /** For brief calls; null where there is no such way. */
  Brief brief[3];
  /** Checks the labels and gathers the divisor of the mean, which a gradient must know first; null where it
   * is the number of rows. */
  Walk<T> survey;
};

template <class T, int n>
struct Entries {
  KernelEntry<T> of[n];
};

/** The kernels of one driver, in the order of the catalogue. */
struct DriverKernels {
  const KernelEntry<float>* f32;
  const KernelEntry<double>* f64;
};

}  // namespace losskit
