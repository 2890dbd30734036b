// The addon's functions over states.
#pragma once

#include <napi.h>

#include "addon/state.h"

namespace losskit {

/** A state given as an argument: its bytes, checked. */
struct StateArgument {
  uint8_t* bytes;
  StateHeader header;
};
StateArgument read_state_argument(napi_env env, napi_value value);

void define_state_functions(napi_env env, napi_value exports);

}  // namespace losskit
