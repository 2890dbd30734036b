// Calls off the event loop.
#pragma once

#include <napi.h>

#include <memory>

namespace losskit {

/** The calls of one environment that are under way. */
class AsyncCalls;

struct DeleteAsyncCalls {
  void operator()(AsyncCalls*) const;
};
using AsyncCallsPointer = std::unique_ptr<AsyncCalls, DeleteAsyncCalls>;

napi_value run_async(napi_env env, napi_callback_info info);

}  // namespace losskit
