// Threads of a kernel are fibers: each has a stack, and one gives way to the next by changing the stack
// pointer.
#pragma once

#include <stddef.h>

#include <vector>

namespace losskit::emulated {

/** Leaves the stack in use, whose pointer it writes to `from`, for another. */
extern "C" void losskit_emulated_switch(void** from, void* to);

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
