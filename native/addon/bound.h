// Prepared calls: what `bind` of the addon keeps, and how it is run.
#pragma once

#include <napi.h>

namespace losskit {

napi_value bind(napi_env env, napi_callback_info info);
napi_value run_bound(napi_env env, napi_callback_info info);

}  // namespace losskit
