// As much of cuBLASLt as losskit calls, with the numbers of its C interface: the header of the real one comes
// with CUDA's cuBLAS, which need not be there to build losskit.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace losskit::cuda::lt {

using Status = int;
constexpr Status kSuccess = 0, kNotInitialized = 1, kAllocFailed = 3, kInvalidValue = 7, kNotSupported = 15;

using Handle = struct OpaqueHandle*;
using MatmulDesc = struct OpaqueMatmulDesc*;
using MatrixLayout = struct OpaqueMatrixLayout*;
using Preference = struct OpaquePreference*;

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  Status state;
  float waves;
  int reserved[4];
};

/** cudaDataType_t, cublasComputeType_t, cublasOperation_t, cublasLtEpilogue_t. */
enum DataType : int { kReal32F = 0, kReal16F = 2, kReal16BF = 14 };
enum ComputeType : int { kCompute32F = 68 };
enum Operation : int32_t { kAsIs = 0, kTransposed = 1 };
enum Epilogue : uint32_t { kPlain = 1, kAddBias = 4 };

/** cublasLtMatmulDescAttributes_t, cublasLtMatmulPreferenceAttributes_t. */
enum DescAttribute : int { kTransposeA = 3, kTransposeB = 4, kEpilogue = 7, kBiasPointer = 8 };
enum PreferenceAttribute : int {
  kMaxWorkspace = 1,
  kAlignmentA = 5,
  kAlignmentB = 6,
  kAlignmentC = 7,
  kAlignmentD = 8,
};

/** F(name, parameters…), of the functions cublasLt<name>, which all give a Status. A stream is a
 * cudaStream_t. */
#define LOSSKIT_CUBLASLT(F)                                                                                  \
  F(Create, Handle*)                                                                                         \
  F(MatmulDescCreate, MatmulDesc*, int compute, int scale)                                                   \
  F(MatmulDescDestroy, MatmulDesc)                                                                           \
  F(MatmulDescSetAttribute, MatmulDesc, int attribute, const void* value, size_t bytes)                      \
  F(MatrixLayoutCreate, MatrixLayout*, int type, uint64_t rows, uint64_t columns, int64_t stride)            \
  F(MatrixLayoutDestroy, MatrixLayout)                                                                       \
  F(MatmulPreferenceCreate, Preference*)                                                                     \
  F(MatmulPreferenceDestroy, Preference)                                                                     \
  F(MatmulPreferenceSetAttribute, Preference, int attribute, const void* value, size_t bytes)                \
  F(MatmulAlgoGetHeuristic, Handle, MatmulDesc, MatrixLayout a, MatrixLayout b, MatrixLayout c,              \
    MatrixLayout d, Preference, int wanted, Heuristic*, int* found)                                          \
  F(Matmul, Handle, MatmulDesc, const void* alpha, const void* a, MatrixLayout, const void* b, MatrixLayout, \
    const void* beta, const void* c, MatrixLayout, void* d, MatrixLayout, const Algorithm*, void* workspace, \
    size_t bytes, void* stream)

struct Functions {
#define LOSSKIT_FUNCTION_OF(name, ...) Status (*name)(__VA_ARGS__);
  LOSSKIT_CUBLASLT(LOSSKIT_FUNCTION_OF)
#undef LOSSKIT_FUNCTION_OF
};

}  // namespace losskit::cuda::lt
