#include "cuda/emulated/device.h"

#include <stdio.h>
#include <string.h>

#include <memory>
#include <vector>

#include "cuda/emulated/environment.h"

namespace losskit::emulated {
namespace {

constexpr int kRuntime = 13000;
constinit thread_local int current = 0;

/** Never destroyed: threads of streams outlive the end of the process's main function. */
std::vector<std::unique_ptr<Device>>& devices() {
  static auto& all = *[] {
    auto* made = new std::vector<std::unique_ptr<Device>>;
    for (int i = 0; i < environment().devices; i++) {
      made->push_back(std::make_unique<Device>());
      made->back()->index = i;
    }
    return made;
  }();
  return all;
}

/** Whether there is a machine to speak of. */
cudaError_t machine() {
  if (environment().driver < kRuntime) return cudaErrorInsufficientDriver;
  return devices().empty() ? cudaErrorNoDevice : cudaSuccess;
}

}  // namespace

cudaError_t state() {
  const cudaError_t error = machine();
  return error != cudaSuccess ? error : static_cast<cudaError_t>(current_device().error.load());
}

Device& current_device() { return device(current); }
Device& device(int index) { return *devices()[static_cast<size_t>(index)]; }
bool has_device(int index) { return index >= 0 && static_cast<size_t>(index) < devices().size(); }

bool is_lasting(int code) {
  return code == 226 || code == 700 || code == 702 || code == 710 || (code >= 714 && code <= 719) ||
         code == 721 || code == 810 || code == 911;
}

}  // namespace losskit::emulated

using namespace losskit::emulated;

cudaError_t cudaDriverGetVersion(int* version) {
  *version = environment().driver;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = kRuntime;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  const cudaError_t error = machine();
  if (error == cudaSuccess) *count = environment().devices;
  return error;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current;
  return machine();
}

cudaError_t cudaSetDevice(int device) {
  if (const cudaError_t error = machine(); error != cudaSuccess) return error;
  if (!has_device(device)) return cudaErrorInvalidDevice;
  current = device;
  return state();
}

size_t losskit::emulated::most_shared() {
  return environment().generation < 8   ? size_t{64} << 10
         : environment().generation < 9 ? size_t{163} << 10
                                        : kMostShared;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const cudaError_t error = machine(); error != cudaSuccess) return error;
  if (!has_device(device)) return cudaErrorInvalidDevice;
  *properties = {};
  snprintf(properties->name, sizeof(properties->name), "Emulated device %d", device);
  properties->uuid.bytes[15] = static_cast<char>(device + 1);
  properties->totalGlobalMem = environment().memory;
  properties->major = environment().generation;
  properties->multiProcessorCount = environment().processors;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess)
    return error;
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(most_shared());
      return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

/** Calls give their errors themselves; there is none that would wait here. */
cudaError_t cudaGetLastError() { return state(); }

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define LOSSKIT_EMULATED_ERROR(name, code, text) \
  case name:                                     \
    return #name;
#include "cuda/emulated/errors.inc"
#undef LOSSKIT_EMULATED_ERROR
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define LOSSKIT_EMULATED_ERROR(name, code, text) \
  case name:                                     \
    return text;
#include "cuda/emulated/errors.inc"
#undef LOSSKIT_EMULATED_ERROR
  }
  return "unrecognized error code";
}
