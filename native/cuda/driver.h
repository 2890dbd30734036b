// How a driver puts a call into a stream.
#pragma once

#include "cuda/launch.h"
#include "cuda/outcome.h"

namespace losskit::cuda {

/** Threads of a block, and of how many blocks a processor is to hold the registers at least: if it were to
 * hold as many as it likes, the compiler would put some into memory. */
constexpr int kThreads = 256, kBlocks = 2;
constexpr int kWarps = kThreads / 32;

/** Where a call runs. */
struct Place {
  Stream stream;
  int processors;  // of the device
  void* outcome;   // all zeros
  void* scratch;
  bool is_scaled;  // the scratch holds an outcome with the scale of the gradients

  template <class T>
  Outcome<T>* outcome_of() const {
    return static_cast<Outcome<T>*>(outcome);
  }
  /** Null where the call's own scale is right. */
  template <class T>
  const double* scale_of() const {
    return is_scaled ? &static_cast<const Outcome<T>*>(scratch)->scale : nullptr;
  }
};

using Run = Code (*)(const Call&, const Place&);

/** The losses of a driver, or some of them, in the order of the catalogue. */
struct DriverRuns {
  const Run *f32, *f64;
  int count;
};

/** R<Loss, T>::run of every loss of a list, in both types. */
template <template <class, class> class R, class List>
struct RunsOf;
template <template <class, class> class R, template <class...> class List, class... L>
struct RunsOf<R, List<L...>> {
  static constexpr Run f32[] = {R<L, float>::run...}, f64[] = {R<L, double>::run...};
  static constexpr DriverRuns runs = {f32, f64, sizeof...(L)};
};

/** Blocks of a grid that walks `items`, `each` of them by a block at a time. */
inline unsigned grid_of(uint64_t items, uint64_t each, int processors, int per_processor) {
  const uint64_t wanted = (items + each - 1) / each,
                 most = static_cast<uint64_t>(processors) * static_cast<uint64_t>(per_processor);
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace losskit::cuda
