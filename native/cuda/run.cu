#include "cuda/run.h"

#include <cmath>

#include "cpu/catalogue.h"
#include "cuda/driver.h"

namespace losskit::cuda {

extern const DriverRuns elements_runs;

namespace {

/** In the order of Driver; null where there are no kernels yet. */
constexpr const DriverRuns* kDriverRuns[kDrivers] = {&elements_runs};

bool in_double(const Job& job) { return job.call.inputs[0].dtype == Dtype::float64; }

template <class T>
Run run_of(const Job& job) {
  const Kernel& kernel = kernel_at(job.call.kernel);
  const DriverRuns* const runs = kDriverRuns[static_cast<int>(kernel.driver)];
  if (runs == nullptr) return nullptr;
  if constexpr (sizeof(T) == 8) {
    return runs->f64[kernel.index];
  } else {
    return runs->f32[kernel.index];
  }
}

int processors_of(int device) {
  int processors = 1;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  return processors;
}

template <class T>
Code run_typed(int device, cudaStream_t stream, const Job& job, void* outcome, void* scratch) {
  const Run run = run_of<T>(job);
  if (run == nullptr) return cudaErrorNotSupported;
  Call c = job.call;
  const double divisor = job.reduction != Reduction::mean ? 1
                         : std::isnan(job.divisor)        ? static_cast<double>(c.rows)
                                                          : job.divisor;
  c.scale = job.upstream / divisor;
  const Code code = cudaMemsetAsync(outcome, 0, sizeof(Outcome<T>), stream);
  if (code != cudaSuccess) return code;
  return run(c, {reinterpret_cast<Stream>(stream), processors_of(device), outcome, scratch, false});
}

template <class T>
void read_typed(const void* bytes, Sums<T>& sums) {
  const auto& outcome = *static_cast<const Outcome<T>*>(bytes);
  limbs_of(outcome.total, sums.total);
  limbs_of(outcome.weight, sums.weight);
  sums.total.special = outcome.total_special;
  sums.weight.special = outcome.weight_special;
  sums.count = outcome.count;
  sums.fault = {Status::ok, 0, 0, 0};
  if (outcome.fault == 0) return;
  const Word place = ~outcome.fault;
  sums.fault = {static_cast<Status>(place & 3), static_cast<int>(place >> 2 & 3), place >> 4,
                outcome.fault_value};
}

}  // namespace

bool has(const Job& job) { return run_of<float>(job) != nullptr; }

uint64_t outcome_bytes(const Job& job) {
  return in_double(job) ? sizeof(Outcome<double>) : sizeof(Outcome<float>);
}

uint64_t scratch_bytes(const Job&) { return 0; }

Code run(int device, cudaStream_t stream, const Job& job, void* outcome, void* scratch) {
  return in_double(job) ? run_typed<double>(device, stream, job, outcome, scratch)
                        : run_typed<float>(device, stream, job, outcome, scratch);
}

void read(const void* outcome, Sums<float>* sums) { read_typed(outcome, *sums); }
void read(const void* outcome, Sums<double>* sums) { read_typed(outcome, *sums); }

}  // namespace losskit::cuda
