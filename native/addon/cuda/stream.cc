#include "addon/cuda/stream.h"

#include <chrono>
#include <system_error>
#include <thread>

namespace losskit {
namespace {

/** Who sleeps until a device is done is woken late: after a millisecond and more where a virtual machine
 * hands on the interrupt. What is done sooner is waited for awake. */
constexpr std::chrono::microseconds kAwake{200};

cuda::Code wait_for(const CudaDevice& device, cuda::Event event) {
  const cuda::Library& library = *cuda_library();
  const auto end = std::chrono::steady_clock::now() + kAwake;
  for (;;) {
    const cuda::Code code = library.query(device.index, event);
    if (code != cuda::kNotReady) return code;
    if (std::chrono::steady_clock::now() > end) return library.synchronize(device.index, event);
    std::this_thread::yield();
  }
}

}  // namespace

Ref<CudaStream> CudaStream::create(CudaDevice& device) {
  device.require_alive("making a stream");
  Ref<CudaStream> stream(new CudaStream(device));
  const cuda::Library& library = *cuda_library();
  device.succeed(library.create_stream(device.index, &stream->handle), "making a stream");
  device.succeed(library.create_event(device.index, &stream->tail_), "making an event");
  return stream;
}

CudaStream::~CudaStream() {
  const cuda::Library& library = *cuda_library();
  if (tail_ != nullptr) device.note(library.destroy_event(device.index, tail_));
  if (handle != nullptr) device.note(library.destroy_stream(device.index, handle));
}

void CudaStream::follow(CudaStream& other) {
  if (&other == this) return;
  const cuda::Library& library = *cuda_library();
  device.succeed(library.record(other.device.index, other.tail_, other.handle), "recording an event");
  device.succeed(library.wait(device.index, handle, other.tail_), "waiting for another stream");
}

void CudaStream::complete(Completion* completion) {
  const cuda::Library& library = *cuda_library();
  completion->code = library.create_event(device.index, &completion->event);
  if (completion->code == 0) {
    completion->code = library.record(device.index, completion->event, handle);
  }
  if (completion->code != 0 || !enqueue(completion)) finish(completion);
}

/** False if the system gives no thread. */
bool CudaStream::enqueue(Completion* completion) {
  std::lock_guard lock(mutex_);
  if (!has_thread_) {
    try {
      std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    has_thread_ = true;
  }
  *last_ = completion;
  last_ = &completion->next;
  wake_.notify_one();
  return true;
}

void CudaStream::finish(Completion* completion) {
  const cuda::Library& library = *cuda_library();
  if (completion->code == 0) completion->code = wait_for(device, completion->event);
  device.note(completion->code);
  if (completion->event != nullptr) device.note(library.destroy_event(device.index, completion->event));
  completion->done();
}

void CudaStream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return first_ != nullptr || is_over_; });
    if (first_ == nullptr) break;
    Completion* const completion = first_;
    first_ = completion->next;
    if (first_ == nullptr) last_ = &first_;
    lock.unlock();
    finish(completion);
    lock.lock();
  }
  lock.unlock();
  delete this;
}

void CudaStream::last_owner_gone() {
  {
    std::lock_guard lock(mutex_);
    is_over_ = true;
    wake_.notify_one();
    if (has_thread_) return;  // it ends the stream when all before is done
  }
  delete this;
}

}  // namespace losskit
