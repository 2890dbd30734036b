// How a driver puts a call into a stream.
#pragma once

#include "cuda/launch.h"
#include "cuda/outcome.h"

namespace losskit::cuda {

/** Where a call runs. */
struct Place {
  Stream stream;
  int processors;  // of the device
  void* outcome;   // all zeros
  void* scratch;
  bool is_surveyed;  // the scratch holds an outcome with the scale of the gradients

  template <class T>
  Outcome<T>* outcome_of() const {
    return static_cast<Outcome<T>*>(outcome);
  }
  /** Null where the call's own scale is right. */
  template <class T>
  const double* scale_of() const {
    return is_surveyed ? &static_cast<const Outcome<T>*>(scratch)->scale : nullptr;
  }
};

using Run = Code (*)(const Call&, const Place&);

template <int n>
struct RunsOf {
  Run of[n];
};

/** The losses of a driver, in the order of the catalogue. */
struct DriverRuns {
  const Run *f32, *f64;
  int count;
};

template <int n>
constexpr DriverRuns driver_runs(const RunsOf<n>& f32, const RunsOf<n>& f64) {
  return {f32.of, f64.of, n};
}

/** Blocks of a grid that walks `items`, `each` of them by a block at a time. */
inline unsigned grid_of(uint64_t items, uint64_t each, int processors, int per_processor) {
  const uint64_t wanted = (items + each - 1) / each,
                 most = static_cast<uint64_t>(processors) * static_cast<uint64_t>(per_processor);
  return static_cast<unsigned>(wanted < 1 ? 1 : wanted < most ? wanted : most);
}

}  // namespace losskit::cuda
