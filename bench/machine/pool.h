// Threads that wait for the next transfer: spinning at first, since the next one usually comes at once, then
// asleep, so that they disturb nothing that is measured after it.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "cpu/cores.h"

class Pool {
 public:
  ~Pool();

  // Calls work(0) here and work(1) … work(threads - 1) on the others; returns when all are done.
  void run(int threads, const std::function<void(int)>& work);

 private:
  void loop(int index, uint32_t seen);

  std::vector<std::thread> threads_;
  std::array<std::atomic<losskit::ThreadCores*>, 256> cores_{};  // null until a thread has begun
  const std::function<void(int)>* work_ = nullptr;
  int wanted_ = 0;
  bool stop_ = false;
  std::atomic<uint32_t> generation_{0};
  std::atomic<int> busy_{0};
};
