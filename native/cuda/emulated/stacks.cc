#include "cuda/emulated/stacks.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <new>

namespace losskit::emulated {
namespace {

constexpr size_t kStack = 128 << 10, kGuard = 4 << 10;

}  // namespace

Stacks::~Stacks() {
  for (void* memory : mapped_) munmap(memory, kStack);
}

char* Stacks::take() {
  if (free_.empty()) {
    void* memory =
        mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory, kGuard, PROT_NONE);
    // Tops at equal places of their pages would all want the same few lines of the cache.
    const size_t shift = mapped_.size() % 32 * 192;
    mapped_.push_back(memory);
    free_.push_back(static_cast<char*>(memory) + kStack - shift);
  }
  char* top = free_.back();
  free_.pop_back();
  return top;
}

void* prepare(char* top, void (*entry)()) {
  // As `switch_stacks` leaves them; above, what the entry would return to.
#if defined(__x86_64__)
  void** saved = reinterpret_cast<void**>(top) - 2;
  saved[0] = reinterpret_cast<void*>(entry);
  saved[1] = nullptr;
#else
  void** saved = reinterpret_cast<void**>(top) - 2;
  saved[0] = nullptr;
  saved[1] = reinterpret_cast<void*>(entry);
#endif
  return saved;
}

}  // namespace losskit::emulated
