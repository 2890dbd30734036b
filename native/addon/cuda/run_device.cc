#include "addon/cuda/run_device.h"

#include "addon/cuda/calls.h"
#include "addon/cuda/objects.h"
#include "addon/cuda/pinned.h"
#include "addon/environment.h"
#include "addon/read_job.h"
#include "addon/references.h"
#include "addon/report.h"
#include "addon/state_functions.h"
#include "cpu/catalogue.h"

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

/** What a stream is to compute, over device memory. */
struct DeviceJob {
  Ref<CudaStream> stream;
  Job job;
  Memories memories;

  /** From the frame, and arguments: the stream, the outer function, the memory of each array. */
  DeviceJob(napi_env env, const napi_value* given) : stream(read_stream(env, given[0])), memories{env} {
    device().require_alive("running a loss");
    const double outer = read_number(env, given[1], "outer");
    require(outer == 0 || outer == 1, "outer");
    read_job(environment_of(env).frame, given + 2, Memories::read, &memories, job);
    job.outer = static_cast<Outer>(static_cast<int>(outer));
    const bool may_have_outer =
        job.reduction == Reduction::mean && kernel_at(job.call.kernel).driver == Driver::elements;
    require(job.outer == Outer::none || may_have_outer, "a function of the mean");
    for (int i = 0; i < memories.count; ++i) {
      require(&memories.of[i]->device() == &device(), "memory of another device");
    }
  }

  CudaDevice& device() const { return stream->device; }
  DeviceMemory allocate(uint64_t bytes) const { return DeviceMemory::allocate(stream, bytes, Origin::pool); }
  DeviceMemory scratch() const { return allocate(cuda_library()->scratch_bytes(&job)); }
  std::unique_ptr<OutcomeHandle> outcome() const {
    return std::make_unique<OutcomeHandle>(OutcomeHandle{allocate(cuda_library()->outcome_bytes(&job)),
                                                         stream, in_double(job), how_to_reduce(job)});
  }

  void enqueue(const DeviceMemory& outcome, const DeviceMemory& scratch) const {
    order(memories, job.call, *stream);
    device().succeed(
        cuda_library()->run(device().index, stream->handle, &job, outcome.data(), scratch.data()),
        "running a loss");
  }
};

/** Whether the job writes memory that it also uses otherwise, which is told in the frame. */
bool overlaps(napi_env env, const DeviceJob& job) {
  double* const frame = environment_of(env).frame;
  frame[kSlotStatus] = 0;
  const Overlap overlap = find_overlap(job.job.call, frame[kSlotInPlace] != 0);
  if (overlap) report(frame, overlap);
  return static_cast<bool>(overlap);
}

/** A job that runs any number of times, each time into the same outcome. */
struct BoundHandle {
  static constexpr napi_type_tag kTag = {0x6c6f73736b697405, 0x626f756e64000001};
  DeviceJob job;
  DeviceMemory scratch;
  const OutcomeHandle* outcome = nullptr;
  References held;  // the memory, and the outcome

  BoundHandle(napi_env env, DeviceJob&& of) : job(std::move(of)), scratch(job.scratch()), held(env) {}
  void made(napi_env) {}
  void dropped(napi_env) {}
};

/** An outcome on its way to the host. */
struct ReadOutcome final : Pending {
  napi_ref handle = nullptr;  // keeps `outcome`
  const OutcomeHandle* outcome = nullptr;
  napi_ref state = nullptr;  // none, or what it is added to
  Ref<PinnedBlock> copy;

  napi_value result(napi_env env) override {
    uint8_t* const to = code == 0 ? find_state(env) : nullptr;
    Outcome o{};
    if (code == 0) o = outcome->read(copy->data, to);
    napi_delete_reference(env, handle);
    const Fault& fault = o.fault;
    return make_numbers(env, {static_cast<double>(code), static_cast<double>(fault.status), o.value,
                              static_cast<double>(o.count), static_cast<double>(fault.input),
                              static_cast<double>(fault.index), fault.value});
  }

  uint8_t* find_state(napi_env env) {
    if (state == nullptr) return nullptr;
    napi_value value;
    check(napi_get_reference_value(env, state, &value), "state");
    napi_delete_reference(env, state);
    return state_for(env, value, outcome->in_double);
  }
};

}  // namespace

napi_value run_device(napi_env env, napi_callback_info info) {
  const Arguments<2 + kArrays> arguments(env, info);
  const DeviceJob job(env, arguments.value);
  if (overlaps(env, job)) return make_undefined(env);
  std::unique_ptr<OutcomeHandle> outcome = job.outcome();
  job.enqueue(outcome->memory, job.scratch());
  return make_handle(env, std::move(outcome));
}

napi_value bind_device(napi_env env, napi_callback_info info) {
  const Arguments<2 + kArrays> arguments(env, info);
  DeviceJob job(env, arguments.value);
  if (overlaps(env, job)) return make_undefined(env);
  auto bound = std::make_unique<BoundHandle>(env, std::move(job));
  std::unique_ptr<OutcomeHandle> made = bound->job.outcome();
  bound->outcome = made.get();
  const napi_value outcome = make_handle(env, std::move(made));
  bound->held.hold(outcome);
  for (int i = 0; i < kArrays; ++i) bound->held.hold(arguments.value[2 + i]);
  napi_value result;
  check(napi_create_object(env, &result), "object");
  check(napi_set_named_property(env, result, "outcome", outcome), "outcome");
  check(napi_set_named_property(env, result, "call", make_handle(env, std::move(bound))), "call");
  return result;
}

napi_value run_bound_device(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const BoundHandle& bound = read_handle<BoundHandle>(env, arguments.value[0], "not a bound call");
  const DeviceJob& job = bound.job;
  job.device().require_alive("running a loss");
  for (int i = 0; i < job.memories.count; ++i) {
    require(!job.memories.of[i]->is_released(), "device memory that was released");
  }
  job.enqueue(bound.outcome->memory, bound.scratch);
  return make_undefined(env);
}

napi_value read_outcome(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  OutcomeHandle& outcome = read_handle<OutcomeHandle>(env, arguments.value[0], "not an outcome");
  state_for(env, arguments.value[1], outcome.in_double);
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
  if (!is_undefined(env, arguments.value[1])) {
    check(napi_create_reference(env, arguments.value[1], 1, &pending->state), "reference");
  }
  return await_stream(env, stream, std::move(pending));
}

}  // namespace losskit
