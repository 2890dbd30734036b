// How a driver puts a call into a stream.
#pragma once

#include "cuda/launch.h"
#include "cuda/outcome.h"

namespace losskit::cuda {

/** Threads of a block, and of how many blocks a processor is to hold the registers at least: if it were to
 * hold as many as it likes, the compiler would put some into memory. */
constexpr int kThreads = 256, kBlocks = 2;
constexpr int kWarps = kThreads / 32;

/** Bytes of memory for what a call could need much of: where that is not all, it goes on piece by piece. Few
 * in emulation, so that tests have pieces. */
#ifdef __CUDACC__
constexpr uint64_t kMostScratch = uint64_t(1) << 29;
#else
constexpr uint64_t kMostScratch = uint64_t(1) << 16;
#endif

/** Where a call runs. */
struct Place {
  Stream stream;
  int processors;  // of the device
  void* outcome;   // all zeros
  void* memory;    // as much as the loss asked for
  void* scaled;    // an outcome with the scale of the gradients; null where the call's own is right

  template <class T>
  Outcome<T>* outcome_of() const {
    return static_cast<Outcome<T>*>(outcome);
  }
  /** Null where the call's own scale is right. */
  template <class T>
  const double* scale_of() const {
    return scaled != nullptr ? &static_cast<const Outcome<T>*>(scaled)->scale : nullptr;
  }
};

/** A loss in one type: what puts it into a stream, and how many bytes of memory it needs on the way; null for
 * none. */
struct Run {
  Code (*run)(const Call&, const Place&);
  uint64_t (*memory)(const Call&);
};

/** The losses of a driver, or some of them, in the order of the catalogue. */
struct DriverRuns {
  const Run *f32, *f64;
  int count;
};

template <class R>
constexpr Run entry_of() {
  if constexpr (requires { R::memory; }) {
    return {R::run, R::memory};
  } else {
    return {R::run, nullptr};
  }
}

/** R<Loss, T>::run, and its memory, of every loss of a list, in both types. */
template <template <class, class> class R, class List>
struct RunsOf;
template <template <class, class> class R, template <class...> class List, class... L>
struct RunsOf<R, List<L...>> {
  static constexpr Run f32[] = {entry_of<R<L, float>>()...}, f64[] = {entry_of<R<L, double>>()...};
  static constexpr DriverRuns runs = {f32, f64, sizeof...(L)};
};

/** Blocks of a grid that walks `items`, `each` of them by a block at a time. */
inline unsigned grid_of(uint64_t items, uint64_t each, int processors, int per_processor) {
  const uint64_t wanted = (items + each - 1) / each,
                 most = static_cast<uint64_t>(processors) * static_cast<uint64_t>(per_processor);
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace losskit::cuda
