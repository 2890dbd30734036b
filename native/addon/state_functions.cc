#include "addon/state_functions.h"

#include <cmath>

#include "addon/exports.h"
#include "cpu/run.h"

namespace losskit {
namespace {

struct Bytes {
  uint8_t* data;
  size_t size;
};

Bytes read_bytes(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t size;
  void* data;
  check(napi_get_typedarray_info(env, value, &type, &size, &data, nullptr, nullptr),
        "state: not a Uint8Array");
  require(type == napi_uint8_array, "state: not a Uint8Array");
  return {static_cast<uint8_t*>(data), size};
}

bool read_is_double(napi_env env, napi_value value) {
  const std::string dtype = read_string(env, value, "dtype");
  require(dtype == "float32" || dtype == "float64", "dtype");
  return dtype == "float64";
}

size_t state_size(bool is_double) { return is_double ? kStateBytes<double> : kStateBytes<float>; }

napi_value state_bytes(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_number(env, static_cast<double>(state_size(read_is_double(env, arguments.value[0]))));
}

napi_value init(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Bytes bytes = read_bytes(env, arguments.value[0]);
  const bool is_double = read_is_double(env, arguments.value[1]);
  require(bytes.size == state_size(is_double), "state: wrong length");
  init_state(bytes.data, is_double);
  return make_undefined(env);
}

napi_value check_state(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Bytes bytes = read_bytes(env, arguments.value[0]);
  StateHeader header;
  if (!read_state_header(bytes.data, bytes.size, header)) return make_undefined(env);
  return make_string(env, header.is_double != 0 ? "float64" : "float32");
}

template <class T>
void merge_states(const StateArgument& into, const StateArgument& from) {
  add_to_state(into.bytes, read_state<T>(from.bytes), from.header.by_weights != 0);
}

napi_value merge_state(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const StateArgument into = read_state_argument(env, arguments.value[0]);
  const StateArgument from = read_state_argument(env, arguments.value[1]);
  require(into.header.is_double == from.header.is_double, "states of different dtypes");
  into.header.is_double != 0 ? merge_states<double>(into, from) : merge_states<float>(into, from);
  return make_undefined(env);
}

napi_value count_state(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_number(env, static_cast<double>(read_state_argument(env, arguments.value[0]).header.count));
}

napi_value value_state(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const StateArgument state = read_state_argument(env, arguments.value[0]);
  const double reduction = read_number(env, arguments.value[1], "reduction");
  const double divisor = read_number(env, arguments.value[2], "divisor");
  require(reduction == 1 || reduction == 2, "reduction");
  const Reduction how = reduction == 1 ? Reduction::sum : Reduction::mean;
  const bool by_weights = state.header.by_weights != 0;
  return make_number(env, state.header.is_double != 0
                              ? reduce(read_state<double>(state.bytes), by_weights, how, divisor)
                              : reduce(read_state<float>(state.bytes), by_weights, how, divisor));
}

}  // namespace

StateArgument read_state_argument(napi_env env, napi_value value) {
  const Bytes bytes = read_bytes(env, value);
  StateArgument state{bytes.data, {}};
  require(read_state_header(bytes.data, bytes.size, state.header), "state: not one of this version");
  return state;
}

uint8_t* state_for(napi_env env, napi_value value, bool in_double) {
  if (is_undefined(env, value)) return nullptr;
  const StateArgument state = read_state_argument(env, value);
  require((state.header.is_double != 0) == in_double, "state of another dtype");
  return state.bytes;
}

void define_state_functions(napi_env env, napi_value exports) {
  export_function<state_bytes>(env, exports, "stateBytes");
  export_function<init>(env, exports, "initState");
  export_function<check_state>(env, exports, "checkState");
  export_function<merge_state>(env, exports, "mergeState");
  export_function<count_state>(env, exports, "countState");
  export_function<value_state>(env, exports, "valueState");
}

}  // namespace losskit
