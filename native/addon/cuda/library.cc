#include "addon/cuda/library.h"

#include <atomic>

#if defined(__linux__)
#include <dlfcn.h>

// glibc 2.34 gave these a second version, with the same effect. An addon that asks for that one does not load
// where glibc is older; the first version is in all of them.
#if defined(__GLIBC__) && defined(__x86_64__)
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5");
__asm__(".symver dlsym,dlsym@GLIBC_2.2.5");
__asm__(".symver dlerror,dlerror@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver dlopen,dlopen@GLIBC_2.17");
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
__asm__(".symver dlerror,dlerror@GLIBC_2.17");
#endif
#endif

namespace losskit {
namespace {

std::atomic<const cuda::Library*> opened{nullptr};

}  // namespace

const cuda::Library* cuda_library() { return opened.load(std::memory_order_acquire); }

#if defined(__linux__)

std::string open_cuda(const std::string& path) {
  if (cuda_library() != nullptr) return {};
  // Two threads may both come here: the system gives both the same library.
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return dlerror();
  const auto get = reinterpret_cast<decltype(&losskit_cuda_library)>(dlsym(handle, "losskit_cuda_library"));
  if (get == nullptr) return "it is a library, but not that of losskit";
  const cuda::Library* const library = get();
  if (library->abi != cuda::kAbi || library->job_bytes != sizeof(Job)) return "it is of another version";
  opened.store(library, std::memory_order_release);
  return {};
}

#else

std::string open_cuda(const std::string&) { return "the CUDA backend is built for Linux only"; }

#endif

}  // namespace losskit
