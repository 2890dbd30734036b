// The addon's functions that compute: at once, off the event loop, and prepared.
#pragma once

#include <napi.h>

namespace losskit {

void define_run_functions(napi_env env, napi_value exports);

}  // namespace losskit
