// Where threads run: a thread that is woken should not be put onto the core of the one that woke it.
//
// Linux puts a woken thread beside its waker where it takes every other core for busy, and in a virtual
// machine it takes halted cores for busy. Then both share one core until the next balancing, some
// milliseconds later, which is longer than most calls. A thread that may not run on that core goes elsewhere
// at once.
#pragma once

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace losskit {

#if defined(__linux__)

/** The core this thread is running on. */
inline int current_core() { return sched_getcpu(); }

/**
 * The cores of one thread: those it began with, but for one. The thread goes by its number in the system, for
 * the functions that take a pthread_t have new versions since glibc 2.32, too new for older systems.
 */
class ThreadCores {
 public:
  /** On the thread itself. */
  ThreadCores() : thread_(static_cast<pid_t>(syscall(SYS_gettid))) {
    if (sched_getaffinity(thread_, sizeof all_, &all_) != 0) CPU_ZERO(&all_);
  }
  /** From any thread, while that thread lives. */
  void keep_off(int core) {
    if (core == kept_off_ || core < 0 || core >= CPU_SETSIZE || CPU_COUNT(&all_) < 2) return;
    cpu_set_t others = all_;
    CPU_CLR(core, &others);
    sched_setaffinity(thread_, sizeof others, &others);  // where it may not be set, nothing is lost
    kept_off_ = core;
  }

 private:
  pid_t thread_;
  cpu_set_t all_;
  int kept_off_ = -1;
};

#else

inline int current_core() { return -1; }

class ThreadCores {
 public:
  void keep_off(int) {}
};

#endif

}  // namespace losskit
