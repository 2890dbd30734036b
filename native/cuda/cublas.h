// Products of matrices by cuBLASLt, NVIDIA's library, which is opened when it is first asked for and never
// closed.
#pragma once

#include "cuda/abi.h"

namespace losskit::cuda {

/** See Library. */
bool open_cublas(const char* path, char* why, uint64_t bytes);

/** Of a code of cuBLAS. */
const char* cublas_name_of(Code code);
const char* cublas_text_of(Code code);

/** Memory that a product may use on the way. */
constexpr uint64_t kCublasWorkspace = 32 << 20;

/** A matrix on the device: rows of `columns` numbers, whose beginnings are `stride` numbers apart. */
struct GemmMatrix {
  void* data;
  Dtype dtype;
  uint64_t rows, columns, stride;
};

/** d = alpha a b + beta d, where a and b may be transposed first; a bias is added to every row, in the type
 * of d. The sums are of float32. */
struct Gemm {
  GemmMatrix a, b, d;
  bool transpose_a, transpose_b;
  float alpha, beta;
  const void* bias;  // null for none
};

/** Puts it into a stream of the thread's own device, with kCublasWorkspace bytes of memory. */
Code multiply(const Gemm& gemm, void* workspace, Stream stream);

}  // namespace losskit::cuda
