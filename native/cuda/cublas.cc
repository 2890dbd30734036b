#include "cuda/cublas.h"

#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdio.h>

#include <atomic>
#include <mutex>

#include "cuda/cublas_api.h"

namespace losskit::cuda {
namespace {

std::mutex mutex;
lt::Functions functions;  // those of the library, once it is open
std::atomic<bool> is_open{false};

/** Calls on one handle come one after the other: they take microseconds, and nothing says how many threads it
 * bears. */
constexpr int kMostDevices = 128;
lt::Handle handles[kMostDevices];

Code code_of(lt::Status status) { return status == lt::kSuccess ? 0 : kCublasCodes + status; }

/** The name of the first function that the library lacks; null where it has all. */
const char* find_all(void* library, lt::Functions& found) {
#define LOSSKIT_FIND(name, ...)                                                          \
  found.name = reinterpret_cast<decltype(found.name)>(dlsym(library, "cublasLt" #name)); \
  if (found.name == nullptr) return "cublasLt" #name;
  LOSSKIT_CUBLASLT(LOSSKIT_FIND)
#undef LOSSKIT_FIND
  return nullptr;
}

/** Something of cuBLASLt that is made, described and destroyed. */
template <class T, lt::Status (*lt::Functions::*destroy)(T)>
struct Described {
  T made = nullptr;
  lt::Status status = lt::kSuccess;

  Described() = default;
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;
  ~Described() {
    if (made != nullptr) (functions.*destroy)(made);
  }
};

struct Desc : Described<lt::MatmulDesc, &lt::Functions::MatmulDescDestroy> {
  Desc() { status = functions.MatmulDescCreate(&made, lt::kCompute32F, lt::kReal32F); }
  template <class V>
  void set(lt::DescAttribute attribute, V value) {
    if (status == lt::kSuccess)
      status = functions.MatmulDescSetAttribute(made, attribute, &value, sizeof value);
  }
};

int type_of(Dtype dtype) {
  return dtype == Dtype::float32 ? lt::kReal32F : dtype == Dtype::float16 ? lt::kReal16F : lt::kReal16BF;
}

/** cuBLAS counts along columns: to it, rows are columns, and every matrix its transpose. */
struct Layout : Described<lt::MatrixLayout, &lt::Functions::MatrixLayoutDestroy> {
  explicit Layout(const GemmMatrix& m) {
    status = functions.MatrixLayoutCreate(&made, type_of(m.dtype), m.columns, m.rows,
                                          static_cast<int64_t>(m.stride));
  }
};

struct Preferences : Described<lt::Preference, &lt::Functions::MatmulPreferenceDestroy> {
  Preferences() { status = functions.MatmulPreferenceCreate(&made); }
  template <class V>
  void set(lt::PreferenceAttribute attribute, V value) {
    if (status == lt::kSuccess)
      status = functions.MatmulPreferenceSetAttribute(made, attribute, &value, sizeof value);
  }
  /** What is there is aligned so; it is taken to be to 256 bytes where nothing is said. */
  void set_alignment(lt::PreferenceAttribute attribute, const void* data) {
    uint32_t bytes = 256;
    while (reinterpret_cast<uintptr_t>(data) % bytes != 0) bytes /= 2;
    set(attribute, bytes);
  }
};

/** The first status that is no success. */
template <class... S>
lt::Status first_of(S... statuses) {
  lt::Status first = lt::kSuccess;
  ((first = first == lt::kSuccess ? statuses : first), ...);
  return first;
}

lt::Status handle_of(int device, lt::Handle* handle) {
  if (device < 0 || device >= kMostDevices) return lt::kInvalidValue;
  lt::Status status = lt::kSuccess;
  if (handles[device] == nullptr) status = functions.Create(&handles[device]);
  if (status != lt::kSuccess) handles[device] = nullptr;
  *handle = handles[device];
  return status;
}

/** By the way that cuBLAS holds for the fastest, which is the same for equal products: so are the bits. */
lt::Status put(lt::Handle handle, const Gemm& g, void* workspace, Stream stream) {
  // Of transposes the order is the other: (a b)' = b' a'.
  const GemmMatrix &first = g.b, &second = g.a;
  const Layout a(first), b(second), d(g.d);
  Desc desc;
  desc.set(lt::kTransposeA, g.transpose_b ? lt::kTransposed : lt::kAsIs);
  desc.set(lt::kTransposeB, g.transpose_a ? lt::kTransposed : lt::kAsIs);
  if (g.bias != nullptr) {
    desc.set(lt::kEpilogue, lt::kAddBias);
    desc.set(lt::kBiasPointer, g.bias);
  }
  Preferences preferences;
  preferences.set(lt::kMaxWorkspace, static_cast<uint64_t>(kCublasWorkspace));
  preferences.set_alignment(lt::kAlignmentA, first.data);
  preferences.set_alignment(lt::kAlignmentB, second.data);
  preferences.set_alignment(lt::kAlignmentC, g.d.data);
  preferences.set_alignment(lt::kAlignmentD, g.d.data);
  lt::Status status = first_of(a.status, b.status, d.status, desc.status, preferences.status);
  if (status != lt::kSuccess) return status;

  lt::Heuristic best{};
  int found = 0;
  status = functions.MatmulAlgoGetHeuristic(handle, desc.made, a.made, b.made, d.made, d.made,
                                            preferences.made, 1, &best, &found);
  if (status == lt::kSuccess && found == 0) status = lt::kNotSupported;
  if (status != lt::kSuccess) return status;
  return functions.Matmul(handle, desc.made, &g.alpha, first.data, a.made, second.data, b.made, &g.beta,
                          g.d.data, d.made, g.d.data, d.made, &best.algorithm, workspace, kCublasWorkspace,
                          stream);
}

struct NamedStatus {
  lt::Status status;
  const char *name, *text;
};

constexpr NamedStatus kStatuses[] = {
    {lt::kNotInitialized, "CUBLAS_STATUS_NOT_INITIALIZED", "cuBLAS is not open, or could not begin"},
    {lt::kAllocFailed, "CUBLAS_STATUS_ALLOC_FAILED", "cuBLAS found no memory for itself"},
    {lt::kInvalidValue, "CUBLAS_STATUS_INVALID_VALUE", "cuBLAS was given numbers that it does not take"},
    {8, "CUBLAS_STATUS_ARCH_MISMATCH", "the device lacks what this product needs"},
    {11, "CUBLAS_STATUS_MAPPING_ERROR", "cuBLAS found no way to memory of the device"},
    {13, "CUBLAS_STATUS_EXECUTION_FAILED", "a kernel of cuBLAS did not run"},
    {14, "CUBLAS_STATUS_INTERNAL_ERROR", "something failed within cuBLAS"},
    {lt::kNotSupported, "CUBLAS_STATUS_NOT_SUPPORTED",
     "cuBLAS cannot compute this product on the device; bfloat16 needs compute capability 8.0"},
    {16, "CUBLAS_STATUS_LICENSE_ERROR", "cuBLAS found no licence for this"},
};

const NamedStatus& named(Code code) {
  static constexpr NamedStatus other = {-1, "CUBLAS_STATUS of another number", "it is not known to losskit"};
  for (const NamedStatus& s : kStatuses) {
    if (code == kCublasCodes + s.status) return s;
  }
  return other;
}

}  // namespace

const char* cublas_name_of(Code code) { return named(code).name; }
const char* cublas_text_of(Code code) { return named(code).text; }

bool open_cublas(const char* path, char* why, uint64_t bytes) {
  const std::lock_guard lock(mutex);
  if (is_open) return true;
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    snprintf(why, bytes, "%s", dlerror());
    return false;
  }
  lt::Functions found;
  if (const char* const missing = find_all(library, found); missing != nullptr) {
    snprintf(why, bytes, "%s has no function %s", path, missing);
    return false;
  }
  functions = found;
  is_open = true;
  return true;
}

Code multiply(const Gemm& gemm, void* workspace, Stream stream) {
  if (!is_open) return code_of(lt::kNotInitialized);
  int device = 0;
  if (const Code code = cudaGetDevice(&device); code != cudaSuccess) return code;
  const std::lock_guard lock(mutex);
  lt::Handle handle = nullptr;
  lt::Status status = handle_of(device, &handle);
  if (status == lt::kSuccess) status = put(handle, gemm, workspace, stream);
  return code_of(status);
}

}  // namespace losskit::cuda
