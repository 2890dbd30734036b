// What the emulated machine is like, from the environment of the process, read once.
#pragma once

#include <stdint.h>

namespace losskit::emulated {

struct Environment {
  int driver;       // LOSSKIT_EMULATED_DRIVER: the newest CUDA it knows; 0: there is none
  int devices;      // LOSSKIT_EMULATED_DEVICES
  uint64_t memory;  // LOSSKIT_EMULATED_MEMORY: bytes of each device
  int processors;   // LOSSKIT_EMULATED_PROCESSORS
  int generation;   // LOSSKIT_EMULATED_GENERATION: compute capability; before 9 without clusters
  int fault;  // LOSSKIT_EMULATED_FAIL=<code>@<n>: the n-th kernel or copy of the process, counted from 1,
  uint64_t fault_at;  //   fails with the code; one that ends a device does so while it runs, as on a real one
  int cublas_fault;   // LOSSKIT_EMULATED_CUBLAS_FAIL=<status>@<n>: the same of the n-th product of
  uint64_t cublas_fault_at;  //   cuBLAS, which is not put at all
  uint64_t delay;            // LOSSKIT_EMULATED_DELAY: microseconds that each kernel and copy takes at least
  bool backwards;  // LOSSKIT_EMULATED_ORDER=backwards: blocks, warps and lanes take turns from the last
};

const Environment& environment();

}  // namespace losskit::emulated
