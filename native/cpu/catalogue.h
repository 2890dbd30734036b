// The catalogue as the rest of the program sees it: every loss, by driver.
#pragma once

#include "cpu/call.h"

namespace losskit {

/** A shape of data, and how it is walked. */
enum class Driver : int { elements, rows, sequences, masks, multilabel, boxes, pairs, all_pairs };
constexpr int kDrivers = 8;
constexpr const char* kDriverNames[kDrivers] = {"elements",   "rows",  "sequences", "masks",
                                                "multilabel", "boxes", "pairs",     "allPairs"};

struct Kernel {
  const char* name;
  Driver driver;
  int index;  // among the kernels of its driver
  int inputs;
  int grads;
  int grad_of[kGrads];  // the inputs that have a gradient, ascending
  int labels;           // the input that holds class labels, which may be ignored; -1 if none does
  bool distributions;   // that input may hold distributions instead, and labels may be smoothed
  bool mean_by_weight;  // with class weights, the mean divides by those of the labels
  int params;
  const char* param[kParams];
};

/** All that one instruction set exports. */
struct KernelTable {
  const char* isa;
  const DriverKernels* of[kDrivers];  // in the order of Driver
};

int kernel_count();
const Kernel& kernel_at(int index);

}  // namespace losskit
