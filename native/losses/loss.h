// What a loss looks like to a driver.
//
// A loss over elements is a struct with
//
//   name, params       what the catalogue shows
//   inputs             2 (prediction, target) or 3
//   Params<T>          its numbers, made from those of the call
//   at                 the formula: value, and its derivative by the prediction; an unused half is dropped
//   pred_outside,      where the inputs leave the domain; only losses that have one
//   target_outside
//
// A loss over rows of class scores has name, params, Params<T> and at, a function of one number of the row.
#pragma once

#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class V>
struct Out {
  V value, grad;
};

struct Names {
  int count;
  const char* name[4];
};

struct NoParams {
  static constexpr Names params = {0, {}};
  template <class T>
  struct Params {
    explicit Params(const double*) {}
  };
};

template <class... L>
struct List {
  static constexpr int size = sizeof...(L);
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
