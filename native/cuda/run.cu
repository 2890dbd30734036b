#include "cuda/run.h"

namespace losskit::cuda {

bool has(const Job&) { return false; }
uint64_t outcome_bytes(const Job&) { return 0; }
uint64_t scratch_bytes(const Job&) { return 0; }
Code run(int, cudaStream_t, const Job&, void*, void*) { return cudaErrorNotSupported; }
void read(const void*, Sums<float>* sums) { *sums = {}; }
void read(const void*, Sums<double>* sums) { *sums = {}; }

}  // namespace losskit::cuda
