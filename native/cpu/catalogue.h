// The catalogue as the rest of the program sees it: names, in the order of the kernel tables.
#pragma once

namespace losskit {

struct Kernel {
  const char* name;
  bool elements;  // else rows of class scores
  int inputs;
  bool softmax;  // takes distributions as targets and label smoothing
  int params;
  const char* param[4];
};

/** Losses over elements first, then losses over rows. */
int kernel_count();
int element_kernel_count();
const Kernel& kernel_at(int index);

}  // namespace losskit
