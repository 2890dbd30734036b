// Losses over device memory.
#pragma once

#include <napi.h>

namespace losskit {

/** Puts what the frame describes into a stream: see `CudaBinding.run`. */
napi_value run_device(napi_env env, napi_callback_info info);
/** Promises the result of a run. */
napi_value read_outcome(napi_env env, napi_callback_info info);

}  // namespace losskit
