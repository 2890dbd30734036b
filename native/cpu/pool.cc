#include "cpu/pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>

namespace losskit {
namespace {

constexpr int kMostThreads = 256;
/** How long a thread looks for the next job before it sleeps: about what waking it would cost. */
constexpr auto kSpin = std::chrono::microseconds(20);

struct Job {
  void (*enter)(void*);
  void* context;
  int places;  // for threads that have yet to enter
  int inside = 0;
  Job* next = nullptr;
};

class Pool {
 public:
  void run(int helpers, void (*enter)(void*), void* context) {
    Job job{enter, context, helpers};
    {
      std::lock_guard lock(mutex_);
      start_threads(helpers);
      append(&job);
    }
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
    enter(context);
    std::unique_lock lock(mutex_);
    remove(&job);
    left_.wait(lock, [&] { return job.inside == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_, left_;
  std::atomic<int> open_places_{0};
  Job* first_ = nullptr;
  int threads_ = 0;

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

  Job* with_place() {
    Job* job = first_;
    while (job != nullptr && job->places == 0) job = job->next;
    return job;
  }

  void spin() const {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    while (open_places_.load(std::memory_order_relaxed) == 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
  }

  [[noreturn]] void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job;
      while ((job = with_place()) == nullptr) wake_.wait(lock);
      --job->places;
      --open_places_;
      ++job->inside;
      lock.unlock();
      job->enter(job->context);
      lock.lock();
      if (--job->inside == 0) left_.notify_all();
      lock.unlock();
      spin();
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

void run_on_threads(int helpers, void (*enter)(void*), void* context) {
  if (helpers <= 0) return enter(context);
  pool().run(helpers, enter, context);
}

int thread_count() { return threads().load(std::memory_order_relaxed); }

int set_thread_count(int wanted) {
  const int set = clamp(wanted);
  threads().store(set, std::memory_order_relaxed);
  return set;
}

int processor_count() { return clamp(static_cast<long>(std::thread::hardware_concurrency())); }

}  // namespace losskit
