// What belongs to one JavaScript environment (the main thread or a worker): its frame and its bound calls.
// Process-wide state is in cpu/.
#pragma once

#include <napi.h>

#include <vector>

#include "addon/async.h"
#include "addon/cuda/calls.h"
#include "addon/frame.h"
#include "addon/shared.h"

namespace losskit {

struct Bound;

/** The bound calls of an environment by number. Numbers are used again. */
class BoundCalls {
 public:
  size_t add(Bound* bound) {
    if (free_.empty()) {
      calls_.push_back(bound);
      free_.reserve(calls_.size());  // so that removing cannot fail
      return calls_.size() - 1;
    }
    const size_t number = free_.back();
    free_.pop_back();
    calls_[number] = bound;
    return number;
  }
  void remove(size_t number) {
    calls_[number] = nullptr;
    free_.push_back(number);
  }
  /** Null where there is none of that number. */
  Bound* at(double number) const {
    if (!(number >= 0 && number < static_cast<double>(calls_.size()))) return nullptr;
    return calls_[static_cast<size_t>(number)];
  }

 private:
  std::vector<Bound*> calls_;
  std::vector<size_t> free_;
};

struct Environment {
  double* frame = nullptr;
  napi_ref frame_array = nullptr;  // keeps the memory of the frame
  /** Shared, for a bound call may be let go after its environment. */
  Shared<BoundCalls> bound;
  // When there has been one.
  AsyncCallsPointer async;
  CudaCallsPointer cuda;
};

inline Environment& environment_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

}  // namespace losskit
