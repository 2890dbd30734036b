#include "cuda/emulated/stacks.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <new>

namespace losskit::emulated {
namespace {

constexpr size_t kStack = 128 << 10, kGuard = 4 << 10;

#if defined(__x86_64__)
constexpr int kSaved = 8, kReturn = 6;
asm(R"(
.pushsection .text
.globl losskit_emulated_switch
.hidden losskit_emulated_switch
.type losskit_emulated_switch, @function
losskit_emulated_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size losskit_emulated_switch, .-losskit_emulated_switch
.popsection
)");
#elif defined(__aarch64__)
constexpr int kSaved = 20, kReturn = 11;
asm(R"(
.pushsection .text
.globl losskit_emulated_switch
.hidden losskit_emulated_switch
.type losskit_emulated_switch, %function
losskit_emulated_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size losskit_emulated_switch, .-losskit_emulated_switch
.popsection
)");
#else
#error "The emulation of CUDA knows how to switch stacks on x86-64 and on 64-bit Arm only"
#endif

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
  void** saved = reinterpret_cast<void**>(top) - kSaved;
  memset(static_cast<void*>(saved), 0, kSaved * sizeof(void*));
  saved[kReturn] = reinterpret_cast<void*>(entry);
  return saved;
}

}  // namespace losskit::emulated
