// Calls off the event loop.
#pragma once

#include <napi.h>

namespace losskit {

napi_value run_async(napi_env env, napi_callback_info info);

}  // namespace losskit
