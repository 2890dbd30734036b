// Strong references to values of JavaScript, dropped together.
#pragma once

#include <vector>

#include "addon/exports.h"

namespace losskit {

class References {
 public:
  explicit References(napi_env env) : env_(env) {}
  References(const References&) = delete;
  References& operator=(const References&) = delete;
  ~References() {
    for (napi_ref reference : held_) napi_delete_reference(env_, reference);
  }
  /** Leaves them to an environment that has ended. */
  void forget() { held_.clear(); }
  void hold(napi_value value) {
    if (is_undefined(env_, value)) return;
    napi_ref reference;
    check(napi_create_reference(env_, value, 1, &reference), "reference");
    held_.push_back(reference);
  }

 private:
  napi_env env_;
  std::vector<napi_ref> held_;
};

}  // namespace losskit
