// What belongs to one JavaScript environment (the main thread or a worker): its frame. Process-wide state is
// in cpu/.
#pragma once

#include <napi.h>

#include "addon/frame.h"

namespace losskit {

struct Environment {
  double* frame = nullptr;
  napi_ref frame_array = nullptr;  // keeps the memory of the frame
};

inline Environment& environment_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

}  // namespace losskit
