#include "addon/memory.h"

#include "addon/bytes.h"
#include "addon/exports.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace losskit {
namespace {

constexpr uintptr_t kCacheLine = 64;

void advise_huge_pages([[maybe_unused]] void* begin, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  constexpr uintptr_t kHugePage = uintptr_t(2) << 20;
  const auto address = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t first = (address + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (address + bytes) / kHugePage * kHugePage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

napi_value bytes_to_line(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const auto address = reinterpret_cast<uintptr_t>(read_bytes(env, arguments.value[0]).data);
  return make_number(env, static_cast<double>((kCacheLine - address % kCacheLine) % kCacheLine));
}

napi_value use_huge_pages(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Bytes bytes = read_bytes(env, arguments.value[0]);
  advise_huge_pages(bytes.data, bytes.size);
  return nullptr;
}

}  // namespace

void define_memory_functions(napi_env env, napi_value exports) {
  export_function<bytes_to_line>(env, exports, "bytesToLine");
  export_function<use_huge_pages>(env, exports, "useHugePages");
}

}  // namespace losskit
