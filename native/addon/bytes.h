// The bytes of JavaScript's arrays.
#pragma once

#include <napi.h>

namespace losskit {

/** An array's bytes. */
struct Bytes {
  void* data;
  uint64_t size;
};

/** Of a typed array of any class. */
Bytes read_bytes(napi_env env, napi_value array);

}  // namespace losskit
