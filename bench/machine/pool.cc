#include "pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

constexpr int kSpins = 4000;  // some tens of microseconds

inline void breathe() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

void Pool::run(int threads, const std::function<void(int)>& work) {
  while (static_cast<int>(threads_.size()) < threads - 1) {
    const int index = static_cast<int>(threads_.size()) + 1;
    threads_.emplace_back([this, index, seen = generation_.load()] { loop(index, seen); });
  }
  if (threads > 1) {
    work_ = &work;
    wanted_ = threads;
    busy_.store(static_cast<int>(threads_.size()));
    for (const auto& cores : cores_) {
      if (losskit::ThreadCores* thread = cores.load()) thread->keep_off(losskit::current_core());
    }
    generation_.fetch_add(1);
    generation_.notify_all();
  }
  work(0);
  if (threads > 1) {
    while (busy_.load(std::memory_order_acquire) != 0) breathe();
  }
}

void Pool::loop(int index, uint32_t seen) {
  losskit::ThreadCores own;
  cores_[static_cast<size_t>(index)].store(&own);
  for (;;) {
    for (int i = 0; i < kSpins && generation_.load(std::memory_order_acquire) == seen; ++i) breathe();
    generation_.wait(seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    if (index < wanted_) (*work_)(index);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

Pool::~Pool() {
  stop_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}
