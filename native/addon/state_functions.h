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

/** The state given for a job: null if none, of the job's type otherwise. */
uint8_t* state_for(napi_env env, napi_value value, bool in_double);

void define_state_functions(napi_env env, napi_value exports);

}  // namespace losskit
