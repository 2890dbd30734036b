#include "cpu/pool.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>

#include "cpu/condition_variable.h"
#include "cpu/cores.h"
#include "cpu/float_environment.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace losskit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMostThreads = 256;
/** How long a thread looks for the next job before it sleeps: about what waking it would cost. */
constexpr auto kSpin = std::chrono::microseconds(20);
/** How long a caller looks whether the others are done before it sleeps: about a piece of work. */
constexpr auto kLastPiece = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

/** Looks again and again, but not forever, whether something holds. */
template <class Condition>
bool spin_until(Clock::duration most, Condition holds) {
  const auto end = Clock::now() + most;
  do {
    for (int i = 0; i < 16; ++i) {
      if (holds()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return holds();
}

struct Job {
  void (*enter)(void*);
  void* context;
  int places;  // for threads that have yet to enter
  std::atomic<int> inside{0};
  Job* next = nullptr;
};

/** A thread of the pool, for as long as the process lives. */
struct Helper {
  ThreadCores cores;
  std::condition_variable wake;
  bool is_called = false;
  Helper* next = nullptr;  // among those asleep
};

class Pool {
 public:
  void run(int helpers, bool is_worth_waking, void (*enter)(void*), void* context) {
    if (!is_worth_waking && !is_hot()) {
      const int awake = spinning_.load(std::memory_order_relaxed);
      if (awake < helpers) helpers = awake;
    }
    if (helpers == 0) {
      enter(context);
    } else {
      share({enter, context, helpers});
    }
    last_end_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  std::atomic<int> open_places_{0}, spinning_{0}, blocked_callers_{0};
  std::atomic<Clock::rep> last_end_{0};
  Job* first_ = nullptr;
  Helper* asleep_ = nullptr;
  int threads_ = 0;

  /** Whether jobs come so fast one after the other that helpers, once awake, find the next before they sleep.
   */
  bool is_hot() const {
    const Clock::duration last(last_end_.load(std::memory_order_relaxed));
    return Clock::now().time_since_epoch() - last < kSpin;
  }

  void share(Job&& job) {
    Helper* called[kMostThreads];
    int count = 0;
    {
      std::lock_guard lock(mutex_);
      start_threads(job.places);
      append(&job);
      const int wanted = job.places - spinning_.load(std::memory_order_relaxed);
      for (; count < wanted && asleep_ != nullptr; ++count) {
        called[count] = asleep_;
        asleep_ = asleep_->next;
      }
      for (int i = 0; i < count; ++i) call(*called[i]);
    }
    for (int i = 0; i < count; ++i) called[i]->wake.notify_one();
    job.enter(job.context);
    {
      std::lock_guard lock(mutex_);
      remove(&job);
    }
    const auto all_left = [&] { return job.inside.load() == 0; };
    if (spin_until(kLastPiece, all_left)) return;
    std::unique_lock lock(mutex_);
    ++blocked_callers_;
    left_.wait(lock, all_left);
    --blocked_callers_;
  }

  static void call(Helper& helper) {
    helper.cores.keep_off(current_core());
    helper.is_called = true;
  }

  void start_threads(int wanted) {
    while (threads_ < wanted) {
      try {
        std::thread([this] { work(); }).detach();
      } catch (const std::system_error&) {
        return;  // the system gives no more: those there are do the work
      }
      ++threads_;
    }
  }

  void append(Job* job) {
    Job** end = &first_;
    while (*end != nullptr) end = &(*end)->next;
    *end = job;
    open_places_ += job->places;
  }

  void remove(Job* job) {
    Job** link = &first_;
    while (*link != job) link = &(*link)->next;
    *link = job->next;
    open_places_ -= job->places;
    job->places = 0;
  }

  /** Of the jobs with a place the one with the fewest threads, so that each gets its share. */
  Job* with_place() {
    Job* best = nullptr;
    for (Job* job = first_; job != nullptr; job = job->next) {
      if (job->places != 0 && (best == nullptr || job->inside.load() < best->inside.load())) best = job;
    }
    return best;
  }

  [[noreturn]] void work() {
    const FloatEnvironment environment;
    Helper helper;
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job;
      while ((job = with_place()) == nullptr) {
        helper.is_called = false;
        helper.next = asleep_;
        asleep_ = &helper;
        helper.wake.wait(lock, [&] { return helper.is_called; });
      }
      --job->places;
      --open_places_;
      ++job->inside;
      lock.unlock();
      job->enter(job->context);
      // The caller may be gone from here on.
      const bool is_last = --job->inside == 0;
      if (is_last && blocked_callers_.load() != 0) {
        lock.lock();
        left_.notify_all();
        lock.unlock();
      }
      ++spinning_;
      spin_until(kSpin, [&] { return open_places_.load(std::memory_order_relaxed) != 0; });
      --spinning_;
      lock.lock();
    }
  }
};

Pool& pool() {
  static Pool* const pool = new Pool;
  return *pool;
}

int clamp(long threads) {
  return static_cast<int>(threads < 1 ? 1 : threads > kMostThreads ? kMostThreads : threads);
}

int initial_threads() {
  const char* text = std::getenv("LOSSKIT_THREADS");
  char* end = nullptr;
  const long wanted = text != nullptr ? std::strtol(text, &end, 10) : 0;
  return wanted > 0 && *end == '\0' ? clamp(wanted) : processor_count();
}

std::atomic<int>& threads() {
  static std::atomic<int> threads{initial_threads()};
  return threads;
}

}  // namespace

void run_on_threads(int helpers, bool is_worth_waking, void (*enter)(void*), void* context) {
  if (helpers <= 0) return enter(context);
  pool().run(helpers, is_worth_waking, enter, context);
}

int thread_count() { return threads().load(std::memory_order_relaxed); }

int set_thread_count(int wanted) {
  const int set = clamp(wanted);
  threads().store(set, std::memory_order_relaxed);
  return set;
}

int processor_count() { return clamp(static_cast<long>(std::thread::hardware_concurrency())); }

}  // namespace losskit
