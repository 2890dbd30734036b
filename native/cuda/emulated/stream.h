// Streams: each a thread of the system that does what was put into it, in order; and the moments that events
// mark.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "cuda/emulated/device.h"

namespace losskit::emulated {

/** Something that happens once. */
class Moment {
 public:
  void happen();
  void wait();
  bool happened();

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool happened_ = false;
};

class Stream {
 public:
  explicit Stream(Device& of) : device(of) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /** Makes a stream with its thread, which ends after the last work once the stream is closed. */
  static std::shared_ptr<Stream> start(Device& device);

  void put(std::function<void()> work);
  void close();
  /** A moment that happens when all that was put before it is done. */
  std::shared_ptr<Moment> mark();

  Device& device;

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<std::function<void()>> queue_;
  bool closed_ = false, ended_ = false;
};

/** The stream of a handle, or that of the current device for a null one; null when there is none such. */
std::shared_ptr<Stream> find_stream(cudaStream_t handle);

/** What the environment wants to go wrong with the kernel or copy that is put now, or 0. */
int next_fault();

/** Puts a kernel or a copy into the stream, that gives an error of its own. It does not run on a broken
 * device, which it breaks if it fails. */
cudaError_t put_work(Stream& stream, std::function<int()> work);

/** Waits until all streams of the device are idle. */
void wait_for_all(Device& device);

}  // namespace losskit::emulated
