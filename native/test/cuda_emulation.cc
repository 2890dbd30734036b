// Whether the emulation of CUDA's language does what CUDA does: prints each thing it tried, and "ok" or what
// was wrong.
#include <stdint.h>
#include <stdio.h>

#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "cuda/cluster.h"
#include "cuda/launch.h"

namespace losskit::cuda {
namespace {

constexpr unsigned kAll = 0xffffffff;

/** Memory of the device, which in emulation can be read from here. */
template <class T>
class Numbers {
 public:
  explicit Numbers(size_t count, T value = {}) {
    void* memory = nullptr;
    cudaMalloc(&memory, count * sizeof(T));
    data_ = static_cast<T*>(memory);
    for (size_t i = 0; i < count; i++) data_[i] = value;
  }
  ~Numbers() { cudaFree(data_); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  T* data() { return data_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  T* data_;
};

template <class... P, class... A>
Code run(void (*kernel)(P...), unsigned grid, unsigned block, A... args) {
  const Code code = launch(kernel, grid, block, size_t{block} * 8, nullptr, args...);
  return code != cudaSuccess ? code : cudaStreamSynchronize(nullptr);
}

__global__ void places(unsigned* out) {
  out[blockIdx.x * blockDim.x + threadIdx.x] = 1000 * blockIdx.x + threadIdx.x + 100000 * gridDim.x;
}

__global__ void reverse(const int* in, int* out) {
  __shared__ int all[1024];
  const unsigned begin = blockIdx.x * blockDim.x;
  all[threadIdx.x] = in[begin + threadIdx.x];
  __syncthreads();
  out[begin + threadIdx.x] = all[blockDim.x - 1 - threadIdx.x];
  __syncthreads();
}

__global__ void sum_by_halves(const double* in, double* out) {
  double* all = dynamic_shared<double>();
  all[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) all[threadIdx.x] += all[threadIdx.x + half];
  }
  if (threadIdx.x == 0) out[blockIdx.x] = all[0];
}

__global__ void early_end(int* out) {
  if (threadIdx.x % 3 == 0) return;
  __syncthreads();
  const int voters = __syncthreads_count(threadIdx.x % 3 == 1);
  if (threadIdx.x % 32 == 31) return;
  out[threadIdx.x] = voters;
}

template <class T>
__global__ void sum_of_warp(T* out) {
  T value = static_cast<T>(threadIdx.x + 1);
  for (int bits = 16; bits > 0; bits /= 2) value += __shfl_xor_sync(kAll, value, bits);
  out[threadIdx.x] = value;
}

__global__ void shuffles(int* out) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  int* own = out + 5 * threadIdx.x;
  own[0] = __shfl_sync(kAll, lane, 3, 8);
  own[1] = __shfl_up_sync(kAll, lane, 3, 8);
  own[2] = __shfl_down_sync(kAll, lane, 3, 8);
  own[3] = __shfl_xor_sync(kAll, lane, 5, 8);
  own[4] = __shfl_sync(kAll, lane, 35);
}

/** Odd and even lanes meet apart, the odd ones more often. */
__global__ void halves(unsigned* out) {
  const unsigned odd = threadIdx.x & 1, mask = odd ? 0xaaaaaaaa : 0x55555555;
  unsigned value = threadIdx.x;
  for (unsigned i = 0; i <= odd; i++)
    value = __shfl_sync(mask, value, static_cast<int>((threadIdx.x + 2) % 32));
  out[threadIdx.x] = value * 100 + static_cast<unsigned>(__popc(__ballot_sync(mask, value % 4 < 2)));
}

__global__ void short_warp(unsigned* out) {
  const unsigned there = __ballot_sync(kAll, 1);
  const bool any = __any_sync(kAll, threadIdx.x == 34), all = __all_sync(kAll, threadIdx.x < 34);
  __syncwarp();
  out[threadIdx.x] = there ^ (any ? 1u << 30 : 0) ^ (all ? 1u << 31 : 0);
}

__global__ void atomics(unsigned* out, unsigned long long* wide) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&out[0], 1);
  atomicMax(&out[1], i);
  atomicMin(&out[2], i);
  atomicOr(&out[3], 1u << (i % 32));
  for (unsigned was = out[4], seen = was + 1; was != seen;) {
    seen = was;
    was = atomicCAS(&out[4], seen, seen + 1);
  }
  atomicAdd(wide, 1ull << 33);
}

/** Every block hands on what it has to the next of its cluster, twice, and ends late by its rank. */
__global__ void ring(unsigned* out) {
  unsigned* own = dynamic_shared<unsigned>();
  const unsigned size = cluster_size(), next = (rank_in_cluster() + 1) % size;
  own[threadIdx.x] = 100 * blockIdx.x + threadIdx.x;
  for (int i = 0; i < 2; i++) {
    synchronize_cluster();
    const unsigned there = *in_block(own + threadIdx.x, next);
    synchronize_cluster();
    own[threadIdx.x] = there;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = own[threadIdx.x] * 100 + size;
  for (unsigned i = 0; i < rank_in_cluster(); i++) __syncthreads();
}

/** One block does not come to the barrier of its cluster, but to its own. */
__global__ void lonely(unsigned*) {
  if (rank_in_cluster() == 1 && threadIdx.x == 0) {
    __syncthreads();
  } else {
    synchronize_cluster();
  }
}

__global__ void stranger(unsigned* out) {
  unsigned* own = dynamic_shared<unsigned>();
  *out = *in_block(own, 2);
}

__global__ void different_barriers() {
  if (threadIdx.x < 5) {
    while (true) __syncwarp(1u << threadIdx.x | 1u << 20);
  }
  __syncthreads();
}

__global__ void different_meetings(int* out) {
  if (threadIdx.x % 2 == 0) {
    __syncwarp();
  } else {
    *out = __shfl_sync(kAll, 1, 0);
  }
}

__global__ void outside_of_mask(int* out) { *out = __shfl_sync(0xfffffffe, 1, 1); }

__global__ void halt() {
  __syncthreads();
  if (threadIdx.x == 70) __trap();
  __syncthreads();
}

__global__ void busy(float* out) {
  float* all = dynamic_shared<float>();
  float value = static_cast<float>(threadIdx.x);
  for (int i = 0; i < 4; i++) {
    all[threadIdx.x] = value;
    __syncthreads();
    value += all[(threadIdx.x + 1) % blockDim.x];
    __syncthreads();
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = value;
}

int faults = 0;

void expect(const char* what, const std::function<std::string()>& check) {
  const std::string wrong = check();
  printf("%s: %s\n", what, wrong.empty() ? "ok" : wrong.c_str());
  faults += !wrong.empty();
}

/** Empty if all numbers are as the function says. */
template <class T>
std::string compare(Numbers<T>& numbers, size_t count, const std::function<T(size_t)>& wanted) {
  for (size_t i = 0; i < count; i++) {
    if (numbers[i] != wanted(i)) {
      return "number " + std::to_string(i) + " is " + std::to_string(numbers[i]) + ", not " +
             std::to_string(wanted(i));
    }
  }
  return "";
}

std::string compare(Code code, Code wanted) {
  return code == wanted ? "" : "code " + std::to_string(code) + ", not " + std::to_string(wanted);
}

template <class T>
std::string check_warp_sum() {
  Numbers<T> out(96);
  run(sum_of_warp<T>, 1, 96, out.data());
  return compare<T>(out, 96, [](size_t i) { return static_cast<T>(i / 32 * 1024 + 528); });
}

void check_barriers() {
  expect("threads know their places", [] {
    Numbers<unsigned> out(300);
    run(places, 3, 100, out.data());
    return compare<unsigned>(
        out, 300, [](size_t i) { return static_cast<unsigned>(300000 + i / 100 * 1000 + i % 100); });
  });
  expect("a barrier parts what is written from what is read", [] {
    Numbers<int> in(2048), out(2048);
    for (int i = 0; i < 2048; i++) in[static_cast<size_t>(i)] = i;
    run(reverse, 2, 1024, in.data(), out.data());
    return compare<int>(out, 2048,
                        [](size_t i) { return static_cast<int>(i / 1024 * 1024 + 1023 - i % 1024); });
  });
  expect("dynamic shared memory is that of the block", [] {
    Numbers<double> in(16 * 256, 0.5), out(16);
    run(sum_by_halves, 16, 256, in.data(), out.data());
    return compare<double>(out, 16, [](size_t) { return 128.0; });
  });
  expect("barriers do not wait for threads that have ended, and count the votes of the others", [] {
    Numbers<int> out(99);
    run(early_end, 1, 99, out.data());
    return compare<int>(out, 99, [](size_t i) { return i % 3 == 0 || i % 32 == 31 ? 0 : 33; });
  });
}

Code run_clusters(void (*kernel)(unsigned*), unsigned grid, unsigned cluster, unsigned* out) {
  const Code code = launch(kernel, Geometry{grid, 40, 160, cluster}, nullptr, out);
  return code != cudaSuccess ? code : cudaStreamSynchronize(nullptr);
}

void check_clusters() {
  expect("blocks of a cluster read each other's memory, between barriers of all", [] {
    Numbers<unsigned> out(9 * 40);
    run_clusters(ring, 9, 3, out.data());
    return compare<unsigned>(out, 9 * 40, [](size_t i) {
      const size_t block = i / 40, from = block / 3 * 3 + (block + 2) % 3;
      return static_cast<unsigned>((100 * from + i % 40) * 100 + 3);
    });
  });
  expect("a block is its own cluster where none is asked for", [] {
    Numbers<unsigned> out(2 * 40);
    run_clusters(ring, 2, 1, out.data());
    return compare<unsigned>(
        out, 2 * 40, [](size_t i) { return static_cast<unsigned>((100 * (i / 40) + i % 40) * 100 + 1); });
  });
}

void check_warps() {
  expect("shuffles of float", check_warp_sum<float>);
  expect("shuffles of double", check_warp_sum<double>);
  expect("shuffles of int", check_warp_sum<int>);
  expect("shuffles of unsigned long long", check_warp_sum<unsigned long long>);
  expect("shuffles within parts of a warp", [] {
    Numbers<int> out(64 * 5);
    run(shuffles, 1, 64, out.data());
    return compare<int>(out, 64 * 5, [](size_t i) {
      const int lane = static_cast<int>(i / 5 % 32), first = lane & ~7, within = lane & 7;
      const int wanted[] = {first + 3, within < 3 ? lane : lane - 3, within > 4 ? lane : lane + 3, lane ^ 5,
                            3};
      return wanted[i % 5];
    });
  });
  expect("parts of a warp meet apart", [] {
    Numbers<unsigned> out(32);
    run(halves, 1, 32, out.data());
    return compare<unsigned>(
        out, 32, [](size_t i) { return static_cast<unsigned>((i + 2 + i % 2 * 2) % 32 * 100 + 8); });
  });
  expect("lanes that are not there do not vote", [] {
    Numbers<unsigned> out(36);
    run(short_warp, 1, 36, out.data());
    return compare<unsigned>(out, 36, [](size_t i) { return i < 32 ? 0x7fffffff : 0x4000000f; });
  });
}

void check_atomics() {
  expect("atomic functions", [] {
    Numbers<unsigned> out(5);
    Numbers<unsigned long long> wide(1);
    out[2] = kAll;
    run(atomics, 7, 100, out.data(), wide.data());
    if (wide[0] != 700ull << 33) return std::string("the wide sum is wrong");
    const unsigned wanted[] = {700, 699, 0, kAll, 700};
    return compare<unsigned>(out, 5, [&](size_t i) { return wanted[i]; });
  });
}

void check_speed() {
  Numbers<float> out(16 * 256);
  run(busy, 16, 256, out.data());
  constexpr int kTimes = 100;
  const std::clock_t begin = std::clock();
  for (int i = 0; i < kTimes; i++) run(busy, 16, 256, out.data());
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  fprintf(stderr, "16 blocks of 256 threads with 8 barriers: %.0f us of the processor\n",
          seconds / kTimes * 1e6);
}

void check_refusals() {
  expect("a grid of nothing is refused",
         [] { return compare(run(halt, 0, 32), cudaErrorInvalidConfiguration); });
  expect("a block of too many is refused",
         [] { return compare(run(halt, 1, 1025), cudaErrorInvalidConfiguration); });
  expect("a grid of no whole clusters is refused",
         [] { return compare(run_clusters(ring, 4, 3, nullptr), cudaErrorInvalidConfiguration); });
}

/** Each breaks the device, so that a process can try but one. */
int break_by(const std::string& how) {
  Numbers<int> out(1);
  Code code = cudaSuccess;
  if (how == "deadlock") code = run(different_barriers, 1, 64);
  if (how == "meetings") code = run(different_meetings, 1, 32, out.data());
  if (how == "mask") code = run(outside_of_mask, 1, 32, out.data());
  if (how == "cluster") code = run_clusters(lonely, 2, 2, nullptr);
  if (how == "stranger") code = run_clusters(stranger, 2, 2, reinterpret_cast<unsigned*>(out.data()));
  if (how == "trap") code = run(halt, 2, 96);
  printf("%d %s\n", code, cudaGetErrorName(cudaGetLastError()));
  return 0;
}

}  // namespace
}  // namespace losskit::cuda

int main(int count, char** arguments) {
  using namespace losskit::cuda;
  if (count > 1) return break_by(arguments[1]);
  check_barriers();
  check_clusters();
  check_warps();
  check_atomics();
  check_refusals();
  check_speed();
  return faults == 0 ? 0 : 1;
}
