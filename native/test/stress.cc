// Many threads calling at once while the number of threads changes: made for the thread sanitizer. Every
// result must have the bits of the first.

#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "cpu/pool.h"
#include "cpu/run.h"

namespace losskit {
namespace {

constexpr uint64_t kRows = 300000, kClasses = 150000;

struct Inputs {
  std::vector<float> pred, target;
  int64_t labels[2] = {3, 149999};
  Inputs() : pred(2 * kClasses), target(kRows) {
    for (size_t i = 0; i < pred.size(); ++i) pred[i] = static_cast<float>(i * 7919 % 10007) * 1e-3f;
    for (size_t i = 0; i < target.size(); ++i) target[i] = static_cast<float>(i * 104729 % 9973) * 1e-3f;
  }
};

/** The mean of one of two losses, which share out a batch in different ways. */
double mean(const Inputs& in, int kernel, std::vector<float>& grad, int32_t* cancel) {
  Job job{};
  Call& c = job.call;
  c.kernel = kernel;
  const bool elements = kernel == 0;
  c.rows = elements ? kRows : 2;
  c.classes = elements ? 0 : kClasses;
  c.pred = {in.pred.data(), elements ? kRows : 2 * kClasses, Dtype::float32};
  c.target = elements ? Tensor{in.target.data(), kRows, Dtype::float32} : Tensor{in.labels, 2, Dtype::int64};
  grad.resize(c.pred.size);
  c.grad = {grad.data(), grad.size(), Dtype::float32};
  c.wants_sum = true;
  job.reduction = Reduction::mean;
  job.upstream = 1;
  job.divisor = std::nan("");
  job.cancel = cancel;
  Sums<float> sums;
  run(job, sums);
  return sums.fault.status == Status::aborted ? -1 : reduce(sums, false, Reduction::mean, std::nan(""));
}

int stress() {
  const Inputs in;
  std::vector<float> grad;
  set_thread_count(1);
  const double expected[2] = {mean(in, 0, grad, nullptr), mean(in, 7, grad, nullptr)};
  set_thread_count(4);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::vector<float> own;
      int32_t cancel = 0;
      for (int i = 0; i < 30; ++i) {
        const int which = (t + i) % 2;
        wrong += mean(in, which * 7, own, i % 3 == 0 ? &cancel : nullptr) != expected[which];
        if (t == 0) set_thread_count(1 + i % 7);
      }
      cancel = 1;
      wrong += mean(in, 0, own, &cancel) != -1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d wrong\n", wrong.load());
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace losskit

int main() { return losskit::stress(); }
