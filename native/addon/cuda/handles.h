// Objects of JavaScript that stand for native ones: opaque, of a type that cannot be mistaken or forged.
#pragma once

#include <memory>

#include "addon/exports.h"

namespace losskit {

/** An object that owns `native`, and lets it go when nobody has the object any more. `T::kTag` is that of its
 * type. */
template <class T>
napi_value make_handle(napi_env env, std::unique_ptr<T> native) {
  napi_value handle;
  check(napi_create_object(env, &handle), "handle");
  const auto drop = [](napi_env of, void* data, void*) {
    const std::unique_ptr<T> held(static_cast<T*>(data));
    held->dropped(of);
  };
  check(napi_wrap(env, handle, native.get(), drop, nullptr, nullptr), "handle");
  T& made = *native.release();
  check(napi_type_tag_object(env, handle, &T::kTag), "handle");
  made.made(env);
  return handle;
}

/** What the object stands for; another value is refused. */
template <class T>
T& read_handle(napi_env env, napi_value handle, const char* what) {
  napi_valuetype type;
  bool is_own = false;
  void* data = nullptr;
  // What is no object the next function would convert to one.
  require(napi_typeof(env, handle, &type) == napi_ok && type == napi_object, what);
  check(napi_check_object_type_tag(env, handle, &T::kTag, &is_own), what);
  require(is_own && napi_unwrap(env, handle, &data) == napi_ok, what);
  return *static_cast<T*>(data);
}

}  // namespace losskit
