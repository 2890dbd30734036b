// The functions of simd/math.h as plain loops over arrays, for the programs that measure and compare them.
#pragma once

#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class F>
void map(const T* x, T* y, size_t n, F f) {
  using V = vec<T, native_lanes<T>>;
  for (size_t i = 0; i < n; i += V::lanes) {
    const size_t count = n - i < size_t(V::lanes) ? n - i : size_t(V::lanes);
    f(V::load(x + i, count, T(0))).store(y + i, count);
  }
}

template <class T>
void apply(int function, const T* x, T* y, size_t n) {
  using V = vec<T, native_lanes<T>>;
  switch (function) {
    case 0: return map(x, y, n, [](V v) { return exp(v); });
    case 1: return map(x, y, n, [](V v) { return expm1(v); });
    case 2: return map(x, y, n, [](V v) { return log(v); });
    case 3: return map(x, y, n, [](V v) { return log1p(v); });
    case 4: return map(x, y, n, [](V v) { return tanh(v); });
    case 5: return map(x, y, n, [](V v) { return softplus(v); });
    case 6: return map(x, y, n, [](V v) { return sigmoid(v); });
    case 7: return map(x, y, n, [](V v) { return exp_flushed(v); });
    default: return map(x, y, n, [](V v) { return log1p_unit(v); });
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
