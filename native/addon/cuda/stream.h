// A queue of work on a device, and the thread that waits for what is in it.
//
// Host functions in a stream are not called once the device has failed, so a promise that one of them settles
// would stay open for ever. A thread that sleeps until an event hears of errors too.
#pragma once

#include <mutex>

#include "addon/cuda/counted.h"
#include "addon/cuda/device.h"
#include "cpu/condition_variable.h"

namespace losskit {

/** Something to be done when the work before it is. */
struct Completion {
  cuda::Code code = 0;  // of the work
  cuda::Event event = nullptr;
  Completion* next = nullptr;

  virtual ~Completion() = default;
  /** On a thread of the stream; from here on it owns itself. */
  virtual void done() = 0;
};

class CudaStream : public Counted<CudaStream> {
 public:
  static Ref<CudaStream> create(CudaDevice& device);

  CudaDevice& device;
  cuda::Stream handle = nullptr;

  /** What is put into this stream from now on waits for all that is in the other. */
  void follow(CudaStream& other);
  /** Calls `done` when all that is in the stream now is done, or has failed. */
  void complete(Completion* completion);

  void last_owner_gone();

 private:
  cuda::Event tail_ = nullptr;  // recorded anew for each stream that follows
  std::mutex mutex_;
  std::condition_variable wake_;
  Completion* first_ = nullptr;
  Completion** last_ = &first_;
  bool has_thread_ = false, is_over_ = false;

  explicit CudaStream(CudaDevice& of) : device(of) {}
  ~CudaStream();
  bool enqueue(Completion* completion);
  void finish(Completion* completion);
  void work();
};

}  // namespace losskit
