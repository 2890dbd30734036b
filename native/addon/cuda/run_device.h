// Losses over device memory.
#pragma once

#include <napi.h>

namespace losskit {

/** Puts what the frame describes into a stream: see `CudaBinding.run`. */
napi_value run_device(napi_env env, napi_callback_info info);
/** The same any number of times: see `CudaBinding.bind` and `CudaBinding.runBound`. */
napi_value bind_device(napi_env env, napi_callback_info info);
napi_value run_bound_device(napi_env env, napi_callback_info info);
/** Promises the result of a run. */
napi_value read_outcome(napi_env env, napi_callback_info info);

}  // namespace losskit
