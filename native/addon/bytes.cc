#include "addon/bytes.h"

#include "addon/exports.h"

namespace losskit {

Bytes read_bytes(napi_env env, napi_value array) {
  napi_typedarray_type type;
  size_t length;
  Bytes bytes;
  check(napi_get_typedarray_info(env, array, &type, &length, &bytes.data, nullptr, nullptr),
        "not a typed array");
  constexpr uint8_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};  // by napi_typedarray_type
  require(static_cast<size_t>(type) < sizeof sizes, "a typed array of an unknown class");
  bytes.size = length * sizes[type];
  return bytes;
}

}  // namespace losskit
