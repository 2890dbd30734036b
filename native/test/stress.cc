// Many threads calling at once while the number of threads changes: made for the thread sanitizer. Every
// result must have the bits of the first.

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>

#include "cpu/pool.h"
#include "test/batch.h"

namespace losskit {
namespace {

using Floats = Batch<float>;

/** The first kernel of each driver: drivers share out a batch in different ways. */
std::vector<int> kernels_of_drivers() {
  std::vector<int> kernels;
  for (int i = 0; i < kernel_count(); ++i) {
    if (kernel_at(i).index == 0) kernels.push_back(i);
  }
  return kernels;
}

/** The largest batch of the kernel's driver, with its own memory. */
std::unique_ptr<Floats> make_batch(int kernel) {
  const Sizes sizes = sizes_of(kernel_at(kernel).driver).back();
  return std::make_unique<Floats>(kernel, sizes, Numbers::unit, Numbers::unit, Extras::none);
}

uint64_t hash_of(Floats& batch) {
  Hash hash;
  batch.hash_into(hash);
  return hash.state;
}

bool is_aborted(Floats& batch, int32_t* cancel) {
  Hash hash;
  batch.job.cancel = cancel;
  return batch.hash_into(hash) == Status::aborted;
}

int stress() {
  const std::vector<int> kernels = kernels_of_drivers();
  std::vector<uint64_t> expected;
  set_thread_count(1);
  for (int kernel : kernels) expected.push_back(hash_of(*make_batch(kernel)));
  set_thread_count(4);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<Floats>> batches;
      for (int kernel : kernels) batches.push_back(make_batch(kernel));
      int32_t cancel = 0;
      for (size_t i = 0; i < 15 * kernels.size(); ++i) {
        const size_t which = (t + i) % kernels.size();
        batches[which]->job.cancel = i % 3 == 0 ? &cancel : nullptr;
        wrong += hash_of(*batches[which]) != expected[which];
        if (t == 0) set_thread_count(1 + static_cast<int>(i % 7));
      }
      cancel = 1;
      for (const auto& batch : batches) wrong += !is_aborted(*batch, &cancel);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d wrong\n", wrong.load());
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace losskit

int main() { return losskit::stress(); }
