#include "cuda/emulated/stream.h"

#include <chrono>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

#include "cuda/emulated/block.h"
#include "cuda/emulated/environment.h"

namespace losskit::emulated {

void Moment::happen() {
  const std::lock_guard lock(mutex_);
  happened_ = true;
  condition_.notify_all();
}

void Moment::wait() {
  std::unique_lock lock(mutex_);
  condition_.wait(lock, [this] { return happened_; });
}

bool Moment::happened() {
  const std::lock_guard lock(mutex_);
  return happened_;
}

std::shared_ptr<Stream> Stream::start(Device& device) {
  auto stream = std::make_shared<Stream>(device);
  std::thread([stream] { stream->serve(); }).detach();
  return stream;
}

void Stream::put(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      queue_.push_back(std::move(work));
      condition_.notify_one();
      return;
    }
  }
  // Another thread has destroyed the stream meanwhile, and nothing is left before this.
  work();
}

void Stream::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  condition_.notify_one();
}

std::shared_ptr<Moment> Stream::mark() {
  auto moment = std::make_shared<Moment>();
  put([moment] { moment->happen(); });
  return moment;
}

void Stream::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    condition_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) break;
    {
      const std::function<void()> work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
    lock.lock();
  }
  ended_ = true;
}

namespace {

/** Of which event and for which device; an event that was never recorded has happened. */
struct Event {
  Device& device;
  std::mutex mutex;
  std::shared_ptr<Moment> last;

  std::shared_ptr<Moment> moment() {
    const std::lock_guard lock(mutex);
    return last;
  }
};

/** The handles that are valid, so that one that is not is an error and no crash. Never destroyed, as the
 * threads of streams outlive the end of the program. */
struct Handles {
  std::mutex mutex;
  std::unordered_map<cudaStream_t, std::shared_ptr<Stream>> streams;
  std::unordered_map<cudaEvent_t, std::shared_ptr<Event>> events;
  std::map<int, std::shared_ptr<Stream>> defaults;

  static Handles& get() {
    static auto& handles = *new Handles;
    return handles;
  }
};

std::shared_ptr<Event> find_event(cudaEvent_t handle) {
  Handles& handles = Handles::get();
  const std::lock_guard lock(handles.mutex);
  const auto found = handles.events.find(handle);
  return found == handles.events.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Stream>> streams_of(const Device& device) {
  Handles& handles = Handles::get();
  const std::lock_guard lock(handles.mutex);
  std::vector<std::shared_ptr<Stream>> streams;
  for (const auto& [handle, stream] : handles.streams) {
    if (&stream->device == &device) streams.push_back(stream);
  }
  if (const auto found = handles.defaults.find(device.index); found != handles.defaults.end()) {
    streams.push_back(found->second);
  }
  return streams;
}

}  // namespace

std::shared_ptr<Stream> find_stream(cudaStream_t handle) {
  Handles& handles = Handles::get();
  const std::lock_guard lock(handles.mutex);
  if (handle == nullptr) {
    Device& device = current_device();
    auto& stream = handles.defaults[device.index];
    if (stream == nullptr) stream = Stream::start(device);
    return stream;
  }
  const auto found = handles.streams.find(handle);
  return found == handles.streams.end() ? nullptr : found->second;
}

int next_fault() {
  static std::atomic<uint64_t> count{0};
  return ++count == environment().fault_at ? environment().fault : 0;
}

cudaError_t put_work(Stream& stream, std::function<int()> work) {
  if (&stream.device != &current_device()) return cudaErrorInvalidResourceHandle;
  const int fault = next_fault();
  if (fault != 0 && !is_lasting(fault)) return static_cast<cudaError_t>(fault);
  stream.put([&device = stream.device, fault, work = std::move(work)] {
    if (device.error != cudaSuccess) return;
    std::this_thread::sleep_for(std::chrono::microseconds(environment().delay));
    const int error = fault != 0 ? fault : work();
    if (error != cudaSuccess) device.error = error;
  });
  return cudaSuccess;
}

void wait_for_all(Device& device) {
  for (const auto& stream : streams_of(device)) stream->mark()->wait();
}

cudaError_t launch(const Grid& grid, cudaStream_t handle, void (*function)(void*), void* argument,
                   void (*release)(void*)) {
  const std::shared_ptr<void> held(argument, release);
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (grid.blocks == 0 || grid.threads == 0 || grid.threads > kMostThreads)
    return cudaErrorInvalidConfiguration;
  const unsigned most_cluster = environment().generation < 9 ? 1 : kMostCluster;
  if (grid.cluster == 0 || grid.cluster > most_cluster || grid.blocks % grid.cluster != 0)
    return cudaErrorInvalidConfiguration;
  if (grid.dynamic_shared > most_shared()) return cudaErrorInvalidValue;
  return put_work(*stream, [grid, function, held] { return run_grid(grid, function, held.get()); });
}

}  // namespace losskit::emulated

using namespace losskit::emulated;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  auto stream = Stream::start(current_device());
  *handle = reinterpret_cast<cudaStream_t>(stream.get());
  Handles& handles = Handles::get();
  const std::lock_guard lock(handles.mutex);
  handles.streams.emplace(*handle, std::move(stream));
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  Handles& handles = Handles::get();
  {
    const std::lock_guard lock(handles.mutex);
    const auto found = handles.streams.find(handle);
    if (found == handles.streams.end()) return cudaErrorInvalidResourceHandle;
    found->second->close();
    handles.streams.erase(found);
  }
  return state();
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  stream->mark()->wait();
  return static_cast<cudaError_t>(stream->device.error.load());
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto stream = find_stream(handle);
  const auto found = find_event(event);
  if (stream == nullptr || found == nullptr) return cudaErrorInvalidResourceHandle;
  if (const auto moment = found->moment(); moment != nullptr) {
    stream->put([moment] { moment->wait(); });
  }
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  auto event = std::shared_ptr<Event>(new Event{current_device(), {}, nullptr});
  *handle = reinterpret_cast<cudaEvent_t>(event.get());
  Handles& handles = Handles::get();
  const std::lock_guard lock(handles.mutex);
  handles.events.emplace(*handle, std::move(event));
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  Handles& handles = Handles::get();
  {
    const std::lock_guard lock(handles.mutex);
    if (handles.events.erase(handle) == 0) return cudaErrorInvalidResourceHandle;
  }
  return state();
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto event = find_event(handle);
  const auto stream = find_stream(stream_handle);
  if (event == nullptr || stream == nullptr || &event->device != &stream->device) {
    return cudaErrorInvalidResourceHandle;
  }
  const std::lock_guard lock(event->mutex);
  event->last = stream->mark();
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto event = find_event(handle);
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  const auto moment = event->moment();
  if (moment != nullptr && !moment->happened()) return cudaErrorNotReady;
  return static_cast<cudaError_t>(event->device.error.load());
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  if (const cudaError_t error = state(); error != cudaSuccess) return error;
  const auto event = find_event(handle);
  if (event == nullptr) return cudaErrorInvalidResourceHandle;
  if (const auto moment = event->moment(); moment != nullptr) moment->wait();
  return static_cast<cudaError_t>(event->device.error.load());
}
