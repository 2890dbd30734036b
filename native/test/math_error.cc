// The largest error of each elementary function, in units in the last place, against the C library in float64
// (for float32) or in 113 bits (for float64). Prints a table in Markdown; exits with 1 if one is above its
// limit or a special value is wrong.
//
//   math_error           all 2^32 float32 inputs, and 2^26 of float64: minutes
//   math_error --short   every 1021st float32 input, and 2^20 of float64: seconds

#include <quadmath.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "cpu/dispatch.h"
#include "test/math_functions.h"

namespace losskit {
namespace {

constexpr size_t kBatch = 4096;

struct Wide {
  double operator()(MathFunction f, double x) const {
    switch (f) {
      case MathFunction::exp:
      case MathFunction::exp_flushed:
        return std::exp(x);
      case MathFunction::expm1:
        return std::expm1(x);
      case MathFunction::log:
        return std::log(x);
      case MathFunction::log1p:
      case MathFunction::log1p_unit:
        return std::log1p(x);
      case MathFunction::tanh:
        return std::tanh(x);
      case MathFunction::softplus:
        return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
      case MathFunction::sigmoid:
        return x > 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
    }
    return 0;
  }
};

struct Widest {
  __float128 operator()(MathFunction f, __float128 x) const {
    switch (f) {
      case MathFunction::exp:
      case MathFunction::exp_flushed:
        return expq(x);
      case MathFunction::expm1:
        return expm1q(x);
      case MathFunction::log:
        return logq(x);
      case MathFunction::log1p:
      case MathFunction::log1p_unit:
        return log1pq(x);
      case MathFunction::tanh:
        return tanhq(x);
      case MathFunction::softplus:
        return x > 0 ? x + log1pq(expq(-x)) : log1pq(expq(x));
      case MathFunction::sigmoid:
        return x > 0 ? 1 / (1 + expq(-x)) : expq(x) / (1 + expq(x));
    }
    return 0;
  }
};

/** Whether x is an input the function is made for. */
template <class T>
bool in_domain(MathFunction f, T x) {
  if (f == MathFunction::exp_flushed) return x <= 0;
  if (f == MathFunction::log1p_unit) return x >= 0 && x <= 1;
  return true;
}

struct Worst {
  double ulp = 0;
  double at = 0;
  uint64_t wrong = 0;  // special values

  void take(const Worst& other) {
    if (other.ulp > ulp) ulp = other.ulp, at = other.at;
    wrong += other.wrong;
  }
};

/** Compares results with the truth, which has more digits than T. */
template <class T, class Truth>
void compare(MathFunction f, const std::vector<T>& x, const std::vector<T>& y, const Truth& truth,
             Worst& worst) {
  constexpr int digits = std::numeric_limits<T>::digits;
  constexpr int least = std::numeric_limits<T>::min_exponent - digits;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!in_domain(f, x[i])) continue;
    const auto exact = truth(f, x[i]);
    const T rounded = static_cast<T>(exact);
    if (f == MathFunction::exp_flushed && std::fabs(rounded) < std::numeric_limits<T>::min() * T(1.001)) {
      worst.wrong += !(y[i] >= 0 && y[i] <= std::numeric_limits<T>::min() * T(1.001));
      continue;
    }
    if (std::isnan(rounded) || std::isinf(rounded) || rounded == 0 || std::isnan(y[i]) || std::isinf(y[i])) {
      const bool same = (std::isnan(rounded) && std::isnan(y[i])) ||
                        (rounded == y[i] && std::signbit(rounded) == std::signbit(y[i]));
      // At the edge of overflow or underflow the last place decides.
      const bool edge = !std::isnan(rounded) && !std::isnan(y[i]) &&
                        (std::nextafter(rounded, T(0)) == y[i] || std::nextafter(y[i], T(0)) == rounded);
      if (same || edge) continue;
      ++worst.wrong;
      std::fprintf(stderr, "%s(%a) = %a, not %a\n", kMathFunctionNames[static_cast<int>(f)],
                   static_cast<double>(x[i]), static_cast<double>(y[i]), static_cast<double>(rounded));
      continue;
    }
    int exponent;
    std::frexp(static_cast<double>(exact), &exponent);
    const auto error = static_cast<double>(std::fabs(static_cast<double>((y[i] - exact))));
    const double ulp = std::ldexp(error, -std::max(exponent - digits, least));
    if (ulp > worst.ulp) worst.ulp = ulp, worst.at = static_cast<double>(x[i]);
  }
}

Worst float32_error(const MathTable& table, MathFunction f, uint64_t step) {
  std::atomic<uint64_t> next{0};
  const uint64_t inputs = (uint64_t(1) << 32) / step, batches = (inputs + kBatch - 1) / kBatch;
  std::vector<Worst> found(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::thread> threads;
  for (Worst& worst : found) {
    threads.emplace_back([&] {
      std::vector<float> x(kBatch), y(kBatch);
      for (uint64_t b; (b = next++) < batches;) {
        for (size_t i = 0; i < kBatch; ++i)
          x[i] = std::bit_cast<float>(static_cast<uint32_t>((b * kBatch + i) * step));
        table.f32(f, x.data(), y.data(), kBatch);
        compare(f, x, y, Wide(), worst);
      }
    });
  }
  Worst worst;
  for (size_t i = 0; i < threads.size(); ++i) threads[i].join(), worst.take(found[i]);
  return worst;
}

Worst float64_error(const MathTable& table, MathFunction f, uint64_t inputs) {
  std::mt19937_64 random(1);
  std::vector<double> x(kBatch), y(kBatch);
  Worst worst;
  for (uint64_t done = 0; done < inputs; done += kBatch) {
    for (size_t i = 0; i < kBatch; ++i) {
      // A third each: any bits, where exp is finite, around 0; and the unit interval where nothing else is in
      // the domain.
      const double unit = static_cast<double>(random() >> 11) * 0x1p-53, sign = random() & 1 ? 1 : -1;
      const double choice[] = {std::bit_cast<double>(random()), sign * 740 * unit, sign * 4 * unit};
      x[i] = f == MathFunction::log1p_unit ? unit : choice[i % 3];
      if (f == MathFunction::exp_flushed) x[i] = -std::fabs(x[i]);
    }
    table.f64(f, x.data(), y.data(), kBatch);
    compare(f, x, y, Widest(), worst);
  }
  return worst;
}

struct Limit {
  double f32, f64;
};

Limit limit_of(MathFunction f) {
  switch (f) {
    case MathFunction::tanh:
    case MathFunction::softplus:
    case MathFunction::sigmoid:
      return {2.5, 3};
    case MathFunction::expm1:
      return {2, 2};
    default:
      return {1.3, 1.3};
  }
}

int measure(bool is_short) {
  const std::string isa = available_isas().front();
  const MathTable& table = math_functions(isa.c_str());
  std::printf(
      "| function | float32: largest error (ULP) | at | float64: largest error (ULP) | at "
      "|\n|---|---|---|---|---|\n");
  bool failed = false;
  for (int i = 0; i < kMathFunctions; ++i) {
    const auto f = static_cast<MathFunction>(i);
    const Worst a = float32_error(table, f, is_short ? 1021 : 1);
    const Worst b = float64_error(table, f, uint64_t(1) << (is_short ? 18 : 24));
    std::printf("| %s | %.4f | %a | %.4f | %a |\n", kMathFunctionNames[i], a.ulp, a.at, b.ulp, b.at);
    std::fflush(stdout);
    failed |= a.ulp > limit_of(f).f32 || b.ulp > limit_of(f).f64 || a.wrong + b.wrong != 0;
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace losskit

int main(int argc, char** argv) { return losskit::measure(argc > 1 && std::strcmp(argv[1], "--short") == 0); }
