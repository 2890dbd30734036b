// What other threads give back to that of JavaScript.
#pragma once

#include <napi.h>

#include "addon/environment.h"
#include "addon/exports.h"

namespace losskit {

/** A thread-safe function that keeps the event loop alive while anything is open. */
class GiveBack {
 public:
  GiveBack(napi_env env, const char* name, napi_threadsafe_function_call_js given_back) : env_(env) {
    check(napi_create_threadsafe_function(env, nullptr, nullptr, make_string(env, name), 0, 1, nullptr,
                                          nullptr, nullptr, given_back, &function_),
          "thread-safe function");
    napi_unref_threadsafe_function(env, function_);
  }
  GiveBack(const GiveBack&) = delete;
  GiveBack& operator=(const GiveBack&) = delete;

  // On the thread of JavaScript.
  void open() {
    if (open_++ == 0) napi_ref_threadsafe_function(env_, function_);
  }
  void close() {
    if (--open_ == 0) napi_unref_threadsafe_function(env_, function_);
  }

  /** From any thread, while the environment is there. */
  void give(void* data) { napi_call_threadsafe_function(function_, data, napi_tsfn_nonblocking); }

 private:
  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  int open_ = 0;
};

}  // namespace losskit
