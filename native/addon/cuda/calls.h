// Promises that devices settle.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/cuda/stream.h"

namespace losskit {

/** The promises of one environment that are open. */
class CudaCalls;

struct DeleteCudaCalls {
  void operator()(CudaCalls*) const;
};
using CudaCallsPointer = std::unique_ptr<CudaCalls, DeleteCudaCalls>;

/** Work that JavaScript waits for. */
struct Pending : Completion {
  CudaCalls* calls = nullptr;  // none once the environment has ended
  napi_deferred deferred = nullptr;
  Pending *before = nullptr, *after = nullptr;  // among those of the environment

  void done() final;
  /** What the promise resolves to, on the thread of JavaScript: an array whose first number is the code. */
  virtual napi_value result(napi_env env) = 0;
};

/** A promise for when all that is in the stream now is done, or has failed. */
napi_value await_stream(napi_env env, CudaStream& stream, std::unique_ptr<Pending> pending);

/** `[code]` */
struct Reached : Pending {
  napi_value result(napi_env env) override;
};

}  // namespace losskit
