#include "addon/cuda/run_device.h"

#include "addon/cuda/calls.h"
#include "addon/cuda/objects.h"
#include "addon/cuda/pinned.h"
#include "addon/environment.h"
#include "addon/read_job.h"
#include "addon/report.h"

namespace losskit {
namespace {

/** The device memory of a call, in the order of its arrays. */
struct Memories {
  napi_env env;
  DeviceMemory* of[kArrays] = {};
  int count = 0;

  static MutableTensor read(void* context, Dtype dtype, napi_value value) {
    Memories& memories = *static_cast<Memories*>(context);
    DeviceMemory& memory = read_memory(memories.env, value);
    const uint64_t size = kDtypeBytes[static_cast<int>(dtype)];
    require(memory.bytes() % size == 0, "device memory and dtype differ");
    memories.of[memories.count++] = &memory;
    return {memory.data(), memory.bytes() / size, dtype};
  }
};

/** What the stream waits for: all who wrote what is read, all who used what is written. */
void order(const Memories& memories, const Call& c, CudaStream& stream) {
  for (int i = 0; i < memories.count; ++i) {
    DeviceMemory& memory = *memories.of[i];
    bool is_written = memory.data() == c.values.data;
    for (const MutableTensor& grad : c.grads) is_written |= memory.data() == grad.data;
    is_written ? memory.write_on(stream) : memory.read_on(stream);
  }
}

napi_value make_null(napi_env env) {
  napi_value value;
  check(napi_get_null(env, &value), "null");
  return value;
}

/** An outcome on its way to the host. */
struct ReadOutcome final : Pending {
  napi_ref handle = nullptr;  // keeps `outcome`
  const OutcomeHandle* outcome = nullptr;
  Ref<PinnedBlock> copy;

  napi_value result(napi_env env) override {
    Outcome o{};
    if (code == 0) o = outcome->read(copy->data);
    napi_delete_reference(env, handle);
    const Fault& fault = o.fault;
    return make_numbers(env, {static_cast<double>(code), static_cast<double>(fault.status), o.value,
                              static_cast<double>(o.count), static_cast<double>(fault.input),
                              static_cast<double>(fault.index), fault.value});
  }
};

}  // namespace

napi_value run_device(napi_env env, napi_callback_info info) {
  const Arguments<1 + kArrays> arguments(env, info);
  const Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  CudaDevice& device = stream->device;
  device.require_alive("running a loss");
  double* const frame = environment_of(env).frame;
  Job job;
  Memories memories{env};
  read_job(frame, arguments.value + 1, Memories::read, &memories, job);
  for (int i = 0; i < memories.count; ++i) {
    require(&memories.of[i]->device() == &device, "memory of another device");
  }
  if (const Overlap overlap = find_overlap(job.call, frame[kSlotInPlace] != 0)) {
    report(frame, overlap);
    return nullptr;
  }
  frame[kSlotStatus] = 0;
  const cuda::Library& library = *cuda_library();
  if (!library.has(&job)) return make_null(env);

  auto outcome = std::make_unique<OutcomeHandle>(
      OutcomeHandle{DeviceMemory::allocate(stream, library.outcome_bytes(&job), Origin::pool), stream,
                    in_double(job), how_to_reduce(job)});
  DeviceMemory scratch = DeviceMemory::allocate(stream, library.scratch_bytes(&job), Origin::pool);
  order(memories, job.call, *stream);
  device.succeed(library.run(device.index, stream->handle, &job, outcome->memory.data(), scratch.data()),
                 "running a loss");
  return make_handle(env, std::move(outcome));
}

napi_value read_outcome(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  OutcomeHandle& outcome = read_handle<OutcomeHandle>(env, arguments.value[0], "not an outcome");
  CudaStream& stream = *outcome.stream;
  CudaDevice& device = stream.device;
  device.require_alive("reading a result");
  auto pending = std::make_unique<ReadOutcome>();
  pending->copy = take_staging(outcome.memory.bytes());
  pending->outcome = &outcome;
  device.succeed(cuda_library()->copy(device.index, stream.handle, pending->copy->data, outcome.memory.data(),
                                      outcome.memory.bytes()),
                 "reading a result");
  check(napi_create_reference(env, arguments.value[0], 1, &pending->handle), "reference");
  return await_stream(env, stream, std::move(pending));
}

}  // namespace losskit
