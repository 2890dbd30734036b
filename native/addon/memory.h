// Where the memory of arrays lies, and in which pages.
#pragma once

#include <napi.h>

namespace losskit {

void define_memory_functions(napi_env env, napi_value exports);

}  // namespace losskit
