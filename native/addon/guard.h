// Callbacks from JavaScript: no C++ exception leaves them, and they compute in one floating-point mode.
#pragma once

#include <napi.h>

#include <stdexcept>

#include "cpu/float_environment.h"

namespace losskit {

/** lib/ and native/ disagree: arguments that do not fit the frame. Users never see it unless they call the
 * addon itself. */
struct ContractError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const char* what) {
  if (!holds) throw ContractError(what);
}

/** Throws unless the Node-API call succeeded. */
inline void check(napi_status status, const char* what) { require(status == napi_ok, what); }

using Callback = napi_value (*)(napi_env, napi_callback_info);

template <Callback callback>
napi_value guarded(napi_env env, napi_callback_info info) {
  const FloatEnvironment environment;
  try {
    return callback(env, info);
  } catch (const ContractError& e) {
    napi_throw_error(env, "ERR_BINDING", e.what());
  } catch (const std::exception& e) {
    napi_throw_error(env, "ERR_INTERNAL", e.what());
  }
  return nullptr;
}

/** The arguments of a call; those not given are undefined. */
template <size_t n>
struct Arguments {
  napi_value value[n];
  size_t count = n;  // given, which may be more than are taken

  Arguments(napi_env env, napi_callback_info info) {
    check(napi_get_cb_info(env, info, &count, value, nullptr, nullptr), "arguments");
  }
};

}  // namespace losskit
