// Losses on a device: what the table of the library says about jobs.
#pragma once

#include <cuda_runtime.h>

#include "cuda/abi.h"

namespace losskit::cuda {

uint64_t outcome_bytes(const Job& job);
uint64_t scratch_bytes(const Job& job);

/** Puts the job into the stream; the device is the thread's own. */
Code run(int device, cudaStream_t stream, const Job& job, void* outcome, void* scratch);

/** From the bytes of an outcome on the host. */
void read(const void* outcome, Sums<float>* sums);
void read(const void* outcome, Sums<double>* sums);

}  // namespace losskit::cuda
