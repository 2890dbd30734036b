// What the addon does with CUDA devices: the member `cuda` of its exports.
#pragma once

#include <napi.h>

namespace losskit {

void define_cuda_functions(napi_env env, napi_value exports);

}  // namespace losskit
