// Threads of a kernel are fibers: each has a stack, and one gives way to the next by changing the stack
// pointer.
#pragma once

#include <stddef.h>

#include <vector>

namespace losskit::emulated {

/** Leaves the stack in use for another, and writes to `from` what to come back to. In line and without a
 * return, so that the processor, which expects returns where calls were, guesses right: fibers call and
 * return at the same places. */
inline __attribute__((always_inline)) void switch_stacks(void** from, void* to) {
#if defined(__x86_64__)
  asm volatile(
      "lea -128(%%rsp), %%rsp\n"  // what the compiler may keep below the stack pointer
      "push %%rbp\n"
      "lea 1f(%%rip), %%rax\n"
      "push %%rax\n"
      "mov %%rsp, (%0)\n"
      "mov %1, %%rsp\n"
      "pop %%rax\n"
      "jmp *%%rax\n"
      "1: pop %%rbp\n"
      "lea 128(%%rsp), %%rsp\n"
      : "+D"(from), "+S"(to)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
        "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15", "cc", "memory");
#elif defined(__aarch64__)
  register void** where asm("x0") = from;
  register void* next asm("x1") = to;
  asm volatile(
      "adr x9, 1f\n"
      "stp x29, x9, [sp, #-16]!\n"
      "mov x10, sp\n"
      "str x10, [x0]\n"
      "mov sp, x1\n"
      "ldp x29, x9, [sp], #16\n"
      "br x9\n"
      "1:\n"
      : "+r"(where), "+r"(next)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
        "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1",
        "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",
        "v31", "cc", "memory");
#else
#error "The emulation of CUDA knows how to switch stacks on x86-64 and on 64-bit Arm only"
#endif
}

/** Stacks of one thread of the system, lent again as soon as they are given back. */
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks();

  /** The top of a stack that nothing uses. */
  char* take();
  void give(char* top) { free_.push_back(top); }

 private:
  std::vector<void*> mapped_;
  std::vector<char*> free_;
};

/** What to switch to in order to begin `entry`, which must not return, on the stack with this top. */
void* prepare(char* top, void (*entry)());

}  // namespace losskit::emulated
