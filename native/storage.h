// How numbers are stored in a tensor. The order is that of the dtype codes of the addon.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace losskit {

enum class Dtype : int8_t {
  absent = -1,
  float32,
  float64,
  float16,
  bfloat16,
  int8,
  uint8,
  int16,
  uint16,
  int32,
  uint32,
  int64,
};

constexpr int kDtypes = 11;
constexpr const char* kDtypeNames[kDtypes] = {"float32", "float64", "float16", "bfloat16", "int8", "uint8",
                                              "int16",   "uint16",  "int32",   "uint32",   "int64"};
constexpr uint8_t kDtypeBytes[kDtypes] = {4, 8, 2, 2, 1, 1, 2, 2, 4, 4, 8};

/** A tensor's memory; absent tensors have no data. */
struct Tensor {
  const void* data = nullptr;
  uint64_t size = 0;
  Dtype dtype = Dtype::absent;
};

struct MutableTensor {
  void* data = nullptr;
  uint64_t size = 0;
  Dtype dtype = Dtype::absent;
};

}  // namespace losskit
