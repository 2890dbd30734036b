// Signals in shared memory, for which threads wait, and what can give them: threads, copies from memory of
// many bytes that the device makes by itself, and what is sent to other blocks of a cluster. From compute
// capability 9.0 on; where kSignals says no, nothing else here is to be used.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace losskit::cuda {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define LOSSKIT_SIGNALS 1
constexpr bool kSignals = true;
#else
#define LOSSKIT_SIGNALS 0
constexpr bool kSignals = false;
#endif

#if LOSSKIT_SIGNALS
__device__ __forceinline__ unsigned shared_address(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}
#endif

/** Is given once in each turn, when so many threads have said so, and all bytes are there that they expect.
 * Turns are counted from 0. */
class Signal {
 public:
  /** By one thread, before any other thread of the cluster uses it. */
  __device__ __forceinline__ void begin([[maybe_unused]] unsigned threads) {
#if LOSSKIT_SIGNALS
    asm volatile(
        "mbarrier.init.shared::cta.b64 [%0], %1;\n\tfence.mbarrier_init.release.cluster;" ::"r"(address()),
        "r"(threads)
        : "memory");
#endif
  }

  __device__ __forceinline__ void give() {
#if LOSSKIT_SIGNALS
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(address()) : "memory");
#endif
  }
  /** The same, once so many bytes have come. */
  __device__ __forceinline__ void give_with([[maybe_unused]] unsigned bytes) {
#if LOSSKIT_SIGNALS
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address()), "r"(bytes)
                 : "memory");
#endif
  }

  __device__ __forceinline__ void wait([[maybe_unused]] unsigned turn) {
#if LOSSKIT_SIGNALS
    unsigned is_given = 0;
    while (is_given == 0) {
      asm volatile(
          "{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
          : "=r"(is_given)
          : "r"(address()), "r"(turn & 1)
          : "memory");
    }
#endif
  }

 private:
  uint64_t state_;

#if LOSSKIT_SIGNALS
  __device__ __forceinline__ unsigned address() const { return shared_address(this); }
#endif
};

/** After what the threads of a warp did with shared memory, before copies into it that one of them begins. */
__device__ __forceinline__ void settle_for_copies() {
#if LOSSKIT_SIGNALS
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
  __syncwarp();
}

/** Begins a copy of bytes that the signal waits for; addresses and size are multiples of 16. */
__device__ __forceinline__ void begin_bulk_copy([[maybe_unused]] void* shared,
                                                [[maybe_unused]] const void* from,
                                                [[maybe_unused]] unsigned bytes,
                                                [[maybe_unused]] Signal& signal) {
#if LOSSKIT_SIGNALS
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
          shared_address(shared)),
      "l"(from), "r"(bytes), "r"(shared_address(&signal))
      : "memory");
#endif
}

/** Sends a number to the same place in another block, whose signal waits for it. */
__device__ __forceinline__ void send([[maybe_unused]] double* shared, [[maybe_unused]] double number,
                                     [[maybe_unused]] Signal& signal, [[maybe_unused]] unsigned rank) {
#if LOSSKIT_SIGNALS
  asm volatile(
      "{.reg .b32 to, given; .reg .b64 word; mov.b64 word, %1; mapa.shared::cluster.u32 to, %0, %3; "
      "mapa.shared::cluster.u32 given, %2, %3; "
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [to], word, [given];}" ::"r"(
          shared_address(shared)),
      "d"(number), "r"(shared_address(&signal)), "r"(rank)
      : "memory");
#endif
}

#undef LOSSKIT_SIGNALS

}  // namespace losskit::cuda
