// The table of functions that the addon finds in the library.
#include "cuda/abi.h"
#include "cuda/cublas.h"
#include "cuda/device.h"
#include "cuda/run.h"
#include "cuda/runtime.h"

namespace losskit::cuda {
namespace {

template <class T>
void read_outcome(const void* outcome, Sums<T>* sums) {
  read(outcome, sums);
}

Code run_on(int device, Stream stream, const Job* job, void* outcome, void* scratch) {
  const DeviceGuard guard(device);
  return guard.code() != cudaSuccess ? guard.code() : run(device, stream_of(stream), *job, outcome, scratch);
}

constexpr Library kLibrary{
    .abi = kAbi,
    .job_bytes = sizeof(Job),
    .status = status,
    .describe = describe,
    .name_of = name_of,
    .text_of = text_of,
    .create_stream = create_stream,
    .destroy_stream = destroy_stream,
    .create_event = create_event,
    .destroy_event = destroy_event,
    .record = record,
    .wait = wait,
    .query = query,
    .synchronize = synchronize,
    .allocate = allocate,
    .release = release,
    .allocate_shared = allocate_shared,
    .release_shared = release_shared,
    .allocate_pinned = allocate_pinned,
    .release_pinned = release_pinned,
    .copy = copy,
    .memory = memory,
    .trim = trim,
    .device_of = device_of,
    .export_memory = export_memory,
    .import_memory = import_memory,
    .close_memory = close_memory,
    .open_cublas = open_cublas,
    .outcome_bytes = [](const Job* job) { return outcome_bytes(*job); },
    .scratch_bytes = [](const Job* job) { return scratch_bytes(*job); },
    .run = run_on,
    .read_float = read_outcome<float>,
    .read_double = read_outcome<double>,
};

}  // namespace
}  // namespace losskit::cuda

extern "C" __attribute__((visibility("default"))) const losskit::cuda::Library* losskit_cuda_library() {
  return &losskit::cuda::kLibrary;
}
