// The functions of simd/math.h as loops over arrays; one instruction set's, compiled with its flags.
#pragma once

#include "simd/math.h"
#include "test/math_functions.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class F>
void map(const T* x, T* y, size_t n, F f) {
  using V = vec<T, native_lanes<T>>;
  for (size_t i = 0; i < n; i += V::lanes) {
    const size_t count = n - i < size_t(V::lanes) ? n - i : size_t(V::lanes);
    f(load_some<V>(x + i, count, T(0))).store(y + i, count);
  }
}

template <class T>
void apply(MathFunction function, const T* x, T* y, size_t n) {
  using V = vec<T, native_lanes<T>>;
  switch (function) {
    case MathFunction::exp:
      return map(x, y, n, [](V v) { return exp(v); });
    case MathFunction::exp_flushed:
      return map(x, y, n, [](V v) { return exp_flushed(v); });
    case MathFunction::expm1:
      return map(x, y, n, [](V v) { return expm1(v); });
    case MathFunction::log:
      return map(x, y, n, [](V v) { return log(v); });
    case MathFunction::log1p:
      return map(x, y, n, [](V v) { return log1p(v); });
    case MathFunction::log1p_unit:
      return map(x, y, n, [](V v) { return log1p_unit(v); });
    case MathFunction::tanh:
      return map(x, y, n, [](V v) { return tanh(v); });
    case MathFunction::softplus:
      return map(x, y, n, [](V v) { return softplus(v); });
    case MathFunction::sigmoid:
      return map(x, y, n, [](V v) { return sigmoid(v); });
    case MathFunction::log_cosh:
      return map(x, y, n, [](V v) { return log_cosh(v, exp_flushed(V(-2) * abs(v))); });
  }
}

template <class T, class F>
void map(const T* a, const T* b, T* y, size_t n, F f) {
  using V = vec<T, native_lanes<T>>;
  for (size_t i = 0; i < n; i += V::lanes) {
    const size_t count = n - i < size_t(V::lanes) ? n - i : size_t(V::lanes);
    f(load_some<V>(a + i, count, T(0)), load_some<V>(b + i, count, T(0))).store(y + i, count);
  }
}

template <class T>
void apply(MathFunction2 function, const T* a, const T* b, T* y, size_t n) {
  using V = vec<T, native_lanes<T>>;
  switch (function) {
    case MathFunction2::atan2:
      return map(a, b, y, n, [](V v, V w) { return atan2(v, w); });
    case MathFunction2::pow_positive:
      return map(a, b, y, n, [](V v, V w) { return pow_positive(v, w); });
  }
}

}  // namespace

extern const MathTable math_table;
constinit const MathTable math_table = {apply<float>, apply<double>, apply<float>, apply<double>};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
