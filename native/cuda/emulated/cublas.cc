// cuBLASLt in software: as much of it as losskit calls, on emulated streams. It is strict about what the real
// one takes for granted: matrices that lie within memory of the device, and as aligned as was said.
//
// Its functions are in the emulated library itself, which losskit opens once more to find them.
#include "cuda/cublas_api.h"

#include <functional>
#include <vector>

#include "cuda/emulated/allocations.h"
#include "cuda/emulated/environment.h"
#include "cuda/emulated/stream.h"
#include "cuda/tensor.h"

namespace losskit::cuda::lt {

struct OpaqueMatmulDesc {
  int transpose[2] = {kAsIs, kAsIs};
  uint32_t epilogue = kPlain;
  const void* bias = nullptr;
};

/** Columns of `rows` numbers, whose beginnings are `stride` numbers apart. */
struct OpaqueMatrixLayout {
  Dtype dtype;
  uint64_t rows, columns, stride;
};

struct OpaquePreference {
  uint64_t workspace = 0;
  uint32_t alignments[4] = {256, 256, 256, 256};
};

namespace {

using emulated::environment;

/** A transposed matrix has its rows where others have columns. */
uint64_t rows_of(const OpaqueMatrixLayout& m, int transpose) { return transpose ? m.columns : m.rows; }
uint64_t columns_of(const OpaqueMatrixLayout& m, int transpose) { return transpose ? m.rows : m.columns; }

uint64_t size_of(const OpaqueMatrixLayout& m) { return (m.columns - 1) * m.stride + m.rows; }

bool lies_right(const void* data, const OpaqueMatrixLayout& m, uint64_t alignment) {
  emulated::Allocation found;
  const uint64_t bytes = size_of(m) * kDtypeBytes[static_cast<int>(m.dtype)];
  return reinterpret_cast<uintptr_t>(data) % alignment == 0 &&
         emulated::look_up(data, bytes, &found) == emulated::Standing::live;
}

bool fit(const OpaqueMatmulDesc& desc, const OpaqueMatrixLayout& a, const OpaqueMatrixLayout& b,
         const OpaqueMatrixLayout& d) {
  for (const OpaqueMatrixLayout* m : {&a, &b, &d}) {
    if (m->rows == 0 || m->columns == 0 || m->stride < m->rows) return false;
  }
  return rows_of(a, desc.transpose[0]) == d.rows && columns_of(b, desc.transpose[1]) == d.columns &&
         columns_of(a, desc.transpose[0]) == rows_of(b, desc.transpose[1]) && a.dtype == b.dtype &&
         (d.dtype == a.dtype || d.dtype == Dtype::float32);
}

/** The numbers of a matrix, `outer` of them `inner` times, in that order of rows and columns. */
std::vector<float> numbers_of(const void* data, const OpaqueMatrixLayout& m, bool by_columns) {
  const Tensor tensor = {data, size_of(m), m.dtype};
  std::vector<float> numbers;
  numbers.reserve(m.rows * m.columns);
  const uint64_t outer = by_columns ? m.columns : m.rows, inner = by_columns ? m.rows : m.columns;
  for (uint64_t i = 0; i < outer; ++i) {
    for (uint64_t j = 0; j < inner; ++j)
      numbers.push_back(float_at<float>(tensor, by_columns ? i * m.stride + j : j * m.stride + i));
  }
  return numbers;
}

/** Sums in float32, one product after the other. */
void compute(const OpaqueMatmulDesc& desc, float alpha, const void* a_data, const OpaqueMatrixLayout& a,
             const void* b_data, const OpaqueMatrixLayout& b, float beta, void* d_data,
             const OpaqueMatrixLayout& d) {
  const std::vector<float> left = numbers_of(a_data, a, desc.transpose[0] != kAsIs),
                           right = numbers_of(b_data, b, desc.transpose[1] == kAsIs);
  const uint64_t depth = columns_of(a, desc.transpose[0]);
  const MutableTensor to = {d_data, size_of(d), d.dtype};
  const Tensor from = {d_data, size_of(d), d.dtype}, bias = {desc.bias, d.rows, d.dtype};
  for (uint64_t j = 0; j < d.columns; ++j) {
    for (uint64_t i = 0; i < d.rows; ++i) {
      float sum = 0;
      for (uint64_t k = 0; k < depth; ++k) sum += left[i * depth + k] * right[j * depth + k];
      sum *= alpha;
      const uint64_t at = j * d.stride + i;
      if (beta != 0) sum += beta * float_at<float>(from, at);  // else what is there may be anything
      if (desc.epilogue == kAddBias) sum += float_at<float>(bias, i);
      put_float(to, at, sum);
    }
  }
}

template <class T>
Status destroy(T* made) {
  delete made;
  return kSuccess;
}

template <class V>
Status read(V& to, const void* value, size_t bytes) {
  if (bytes != sizeof(V)) return kInvalidValue;
  to = *static_cast<const V*>(value);
  return kSuccess;
}

/** What the environment wants to go wrong with the product that is put now. */
Status next_status() {
  static std::atomic<uint64_t> count{0};
  return ++count == environment().cublas_fault_at ? environment().cublas_fault : kSuccess;
}

}  // namespace

extern "C" {

#define LOSSKIT_LT __attribute__((visibility("default"))) Status

LOSSKIT_LT cublasLtCreate(Handle* handle) {
  static char one;
  *handle = reinterpret_cast<Handle>(&one);
  return kSuccess;
}

LOSSKIT_LT cublasLtMatmulDescCreate(MatmulDesc* desc, int compute, int scale) {
  if (compute != kCompute32F || scale != kReal32F) return kNotSupported;
  *desc = new OpaqueMatmulDesc;
  return kSuccess;
}
LOSSKIT_LT cublasLtMatmulDescDestroy(MatmulDesc desc) { return destroy(desc); }

LOSSKIT_LT cublasLtMatmulDescSetAttribute(MatmulDesc desc, int attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case kTransposeA:
    case kTransposeB:
      return read(desc->transpose[attribute - kTransposeA], value, bytes);
    case kEpilogue:
      return read(desc->epilogue, value, bytes);
    case kBiasPointer:
      return read(desc->bias, value, bytes);
    default:
      return kInvalidValue;
  }
}

LOSSKIT_LT cublasLtMatrixLayoutCreate(MatrixLayout* layout, int type, uint64_t rows, uint64_t columns,
                                      int64_t stride) {
  const Dtype dtype = type == kReal32F    ? Dtype::float32
                      : type == kReal16F  ? Dtype::float16
                      : type == kReal16BF ? Dtype::bfloat16
                                          : Dtype::absent;
  if (dtype == Dtype::absent) return kInvalidValue;
  *layout = new OpaqueMatrixLayout{dtype, rows, columns, static_cast<uint64_t>(stride)};
  return kSuccess;
}
LOSSKIT_LT cublasLtMatrixLayoutDestroy(MatrixLayout layout) { return destroy(layout); }

LOSSKIT_LT cublasLtMatmulPreferenceCreate(Preference* preference) {
  *preference = new OpaquePreference;
  return kSuccess;
}
LOSSKIT_LT cublasLtMatmulPreferenceDestroy(Preference preference) { return destroy(preference); }

LOSSKIT_LT cublasLtMatmulPreferenceSetAttribute(Preference preference, int attribute, const void* value,
                                                size_t bytes) {
  if (attribute == kMaxWorkspace) return read(preference->workspace, value, bytes);
  if (attribute < kAlignmentA || attribute > kAlignmentD) return kInvalidValue;
  return read(preference->alignments[attribute - kAlignmentA], value, bytes);
}

/** There is one way, which holds the alignments to what was said of them. */
LOSSKIT_LT cublasLtMatmulAlgoGetHeuristic(Handle, MatmulDesc desc, MatrixLayout a, MatrixLayout b,
                                          MatrixLayout, MatrixLayout d, Preference preference, int wanted,
                                          Heuristic* results, int* found) {
  if (wanted < 1 || !fit(*desc, *a, *b, *d)) return kInvalidValue;
  *results = {};
  for (int i = 0; i < 4; ++i) results->algorithm.data[i] = preference->alignments[i];
  results->workspace = preference->workspace;
  *found = 1;
  return kSuccess;
}

LOSSKIT_LT cublasLtMatmul(Handle, MatmulDesc desc, const void* alpha, const void* a, MatrixLayout of_a,
                          const void* b, MatrixLayout of_b, const void* beta, const void* c,
                          MatrixLayout of_c, void* d, MatrixLayout of_d, const Algorithm* algorithm,
                          void* workspace, size_t bytes, void* stream) {
  if (const Status status = next_status(); status != kSuccess) return status;
  const uint64_t* const alignments = algorithm->data;
  const OpaqueMatrixLayout memory = {Dtype::uint8, bytes, 1, bytes},
                           numbers = {of_d->dtype, of_d->rows, 1, of_d->rows};
  const bool is_right = fit(*desc, *of_a, *of_b, *of_d) && c == d && of_c == of_d &&
                        lies_right(a, *of_a, alignments[0]) && lies_right(b, *of_b, alignments[1]) &&
                        lies_right(d, *of_d, alignments[3]) && lies_right(workspace, memory, 16) &&
                        (desc->epilogue != kAddBias || lies_right(desc->bias, numbers, 16));
  if (!is_right) return kInvalidValue;
  const auto on = emulated::find_stream(static_cast<cudaStream_t>(stream));
  if (on == nullptr) return kInvalidValue;
  const float times = *static_cast<const float*>(alpha), before = *static_cast<const float*>(beta);
  const cudaError_t error = emulated::put_work(
      *on, [what = *desc, times, a, left = *of_a, b, right = *of_b, before, d, to = *of_d] {
        compute(what, times, a, left, b, right, before, d, to);
        return 0;
      });
  constexpr Status kExecutionFailed = 13;
  return error == cudaSuccess ? kSuccess : kExecutionFailed;
}

}  // extern "C"

}  // namespace losskit::cuda::lt
