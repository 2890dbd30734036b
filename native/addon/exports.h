// Small helpers to put functions and values on the exports of the addon.
#pragma once

#include <napi.h>

#include <initializer_list>
#include <string>

#include "addon/guard.h"

namespace losskit {

template <Callback callback>
void export_function(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  check(napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<callback>, nullptr, &function), name);
  check(napi_set_named_property(env, exports, name, function), name);
}

inline napi_value make_number(napi_env env, double x) {
  napi_value value;
  check(napi_create_double(env, x, &value), "number");
  return value;
}

inline napi_value make_numbers(napi_env env, std::initializer_list<double> numbers) {
  napi_value array;
  check(napi_create_array_with_length(env, numbers.size(), &array), "numbers");
  uint32_t i = 0;
  for (const double x : numbers) check(napi_set_element(env, array, i++, make_number(env, x)), "numbers");
  return array;
}

inline napi_value make_string(napi_env env, const std::string& text) {
  napi_value value;
  check(napi_create_string_utf8(env, text.data(), text.size(), &value), "string");
  return value;
}

inline napi_value make_undefined(napi_env env) {
  napi_value value;
  check(napi_get_undefined(env, &value), "undefined");
  return value;
}

inline double read_number(napi_env env, napi_value value, const char* what) {
  double x;
  check(napi_get_value_double(env, value, &x), what);
  return x;
}

inline std::string read_string(napi_env env, napi_value value, const char* what) {
  size_t size;
  check(napi_get_value_string_utf8(env, value, nullptr, 0, &size), what);
  std::string text(size, '\0');
  check(napi_get_value_string_utf8(env, value, text.data(), size + 1, &size), what);
  return text;
}

/** Rejects a promise; in an environment that is closing nothing can be told to anyone any more. */
inline void reject(napi_env env, napi_deferred deferred, const char* what) {
  napi_value code, message, error;
  if (napi_create_string_utf8(env, "ERR_BINDING", NAPI_AUTO_LENGTH, &code) == napi_ok &&
      napi_create_string_utf8(env, what, NAPI_AUTO_LENGTH, &message) == napi_ok &&
      napi_create_error(env, code, message, &error) == napi_ok) {
    napi_reject_deferred(env, deferred, error);
  }
}

inline bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

}  // namespace losskit
