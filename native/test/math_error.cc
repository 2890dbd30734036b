// The largest error of each elementary function, in units in the last place, against the C library in float64
// (for float32) or in 113 bits (for float64). Prints a table in Markdown; exits with 1 if one is above its
// limit or a special value is wrong, or if a fused multiply-add by whole numbers is not what the C library
// gives.
//
//   math_error           all 2^32 float32 inputs, and 2^24 of float64 and of pairs: minutes
//   math_error --short   every 1021st float32 input, and 2^18 of float64 and of pairs: seconds

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
#include "test/fused_errors.h"
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
      case MathFunction::log_cosh: {
        const double a = std::fabs(x), half_sinh = std::sinh(std::fmin(a, 2) / 2);
        return a < 1 ? std::log1p(2 * half_sinh * half_sinh) : a - M_LN2 + std::log1p(std::exp(-2 * a));
      }
    }
    return 0;
  }
  double operator()(MathFunction2 f, double a, double b) const {
    return f == MathFunction2::atan2 ? std::atan2(a, b) : std::pow(a, b);
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
      case MathFunction::log_cosh: {
        const __float128 a = fabsq(x), half_sinh = sinhq(fminq(a, 2) / 2);
        return a < 1 ? log1pq(2 * half_sinh * half_sinh) : a - M_LN2q + log1pq(expq(-2 * a));
      }
    }
    return 0;
  }
  __float128 operator()(MathFunction2 f, __float128 a, __float128 b) const {
    return f == MathFunction2::atan2 ? atan2q(a, b) : powq(a, b);
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
  double at[2] = {0, 0};
  uint64_t wrong = 0;  // special values

  void take(const Worst& other) {
    if (other.ulp > ulp) ulp = other.ulp, at[0] = other.at[0], at[1] = other.at[1];
    wrong += other.wrong;
  }
};

/** Compares a result with the truth, which has more digits than T. */
template <class T, class Exact>
void compare(const char* name, T a, T b, T y, Exact exact, Worst& worst) {
  constexpr int digits = std::numeric_limits<T>::digits;
  constexpr int least = std::numeric_limits<T>::min_exponent - digits;
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded) || std::isinf(rounded) || rounded == 0 || std::isnan(y) || std::isinf(y)) {
    const bool same =
        (std::isnan(rounded) && std::isnan(y)) || (rounded == y && std::signbit(rounded) == std::signbit(y));
    // At the edge of overflow or underflow the last place decides.
    const bool edge = !std::isnan(rounded) && !std::isnan(y) &&
                      (std::nextafter(rounded, T(0)) == y || std::nextafter(y, T(0)) == rounded);
    if (same || edge) return;
    ++worst.wrong;
    std::fprintf(stderr, "%s(%a, %a) = %a, not %a\n", name, static_cast<double>(a), static_cast<double>(b),
                 static_cast<double>(y), static_cast<double>(rounded));
    return;
  }
  int exponent;
  std::frexp(static_cast<double>(exact), &exponent);
  const auto error = static_cast<double>(std::fabs(static_cast<double>((y - exact))));
  const double ulp = std::ldexp(error, -std::max(exponent - digits, least));
  if (ulp > worst.ulp) worst = {ulp, {static_cast<double>(a), static_cast<double>(b)}, worst.wrong};
}

template <class T, class Truth>
void compare(MathFunction f, const std::vector<T>& x, const std::vector<T>& y, const Truth& truth,
             Worst& worst) {
  constexpr T flushed = std::numeric_limits<T>::min() * T(1.001);
  for (size_t i = 0; i < x.size(); ++i) {
    if (!in_domain(f, x[i])) continue;
    const auto exact = truth(f, x[i]);
    if (f == MathFunction::exp_flushed && std::fabs(static_cast<T>(exact)) < flushed) {
      worst.wrong += !(y[i] >= 0 && y[i] <= flushed);
      continue;
    }
    compare(kMathFunctionNames[static_cast<int>(f)], x[i], x[i], y[i], exact, worst);
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

/** Numbers whose pairs are special to functions of two numbers, or nearly so. */
template <class T>
std::vector<T> special_numbers() {
  using L = std::numeric_limits<T>;
  const T one = 1, below = std::nextafter(one, T(0)), above = std::nextafter(one, T(2));
  const std::vector<T> magnitudes = {
      0, L::denorm_min(), L::min(), below,      one,       above,    T(0.5),        T(0.25),
      2, T(2.5),          3,        T(0x1p-30), T(0x1p30), L::max(), L::infinity(), L::quiet_NaN()};
  std::vector<T> all = magnitudes;
  for (T x : magnitudes) all.push_back(-x);
  return all;
}

/** A pair of inputs in the function's domain; `kind` chooses how they are distributed. */
template <class T, class Random>
void sample(MathFunction2 f, size_t kind, Random& random, T& a, T& b) {
  using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const auto any = [&] { return std::bit_cast<T>(static_cast<Word>(random())); };
  const double sign = random() & 1 ? 1 : -1, other_sign = random() & 1 ? 1 : -1;
  if (f == MathFunction2::atan2) {
    // Any bits; ratios of all sizes that matter; sides of boxes; near the diagonal.
    switch (kind % 4) {
      case 0:
        return void((a = any(), b = any()));
      case 1:
        b = static_cast<T>(sign * std::exp2(40 * unit() - 20));
        return void(a = static_cast<T>(other_sign * b * std::exp2(80 * unit() - 40)));
      case 2:
        return void(
            (a = static_cast<T>(sign * 1000 * unit()), b = static_cast<T>(other_sign * 1000 * unit())));
      default:
        b = static_cast<T>(sign * (1 + unit()));
        return void(a = static_cast<T>(other_sign * b * (0.5 + unit())));
    }
  }
  // Any bits; the powers of losses; x near 1 and x of all sizes, with y that take x^y as far as e^40 and
  // through the whole range.
  constexpr int largest = std::numeric_limits<T>::max_exponent - 1;
  const double x = kind % 4 == 2 ? 0.5 + unit() : std::exp2(largest * (2 * unit() - 1));
  const double y_log_x = (kind % 8 < 4 ? 40 : 0.75 * largest) * (2 * unit() - 1);
  switch (kind % 4) {
    case 0:
      return void((a = std::fabs(any()), b = any()));
    case 1:
      return void((a = static_cast<T>(unit()), b = static_cast<T>(8 * unit())));
    default:
      a = static_cast<T>(x);
      b = static_cast<T>(y_log_x / std::log(x));
  }
}

/** Whether x^y is of a size that losses meet: there the limit of pow_positive is narrower. */
template <class T>
bool is_everyday(T a, T b) {
  return std::fabs(static_cast<double>(b) * std::log(static_cast<double>(a))) <= 40;
}

struct Errors {
  Worst all, everyday;  // of pow_positive: where |y log x| <= 40
};

template <class T, class Truth, class F>
Errors error2(F apply, MathFunction2 f, const Truth& truth, uint64_t inputs) {
  std::vector<T> a, b, y;
  Errors errors;
  const auto run = [&] {
    y.resize(a.size());
    apply(f, a.data(), b.data(), y.data(), a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      const bool everyday = f == MathFunction2::pow_positive && is_everyday(a[i], b[i]);
      compare(kMathFunction2Names[static_cast<int>(f)], a[i], b[i], y[i], truth(f, a[i], b[i]),
              everyday ? errors.everyday : errors.all);
    }
  };
  for (T x : special_numbers<T>()) {
    for (T z : special_numbers<T>()) {
      // pow_positive takes -0 as 0, so that the sign of a power of it is another.
      if (f == MathFunction2::pow_positive && std::signbit(x)) continue;
      a.push_back(x), b.push_back(z);
    }
  }
  run();
  std::mt19937_64 random(2);
  a.resize(kBatch), b.resize(kBatch);
  for (uint64_t done = 0; done < inputs; done += kBatch) {
    for (size_t i = 0; i < kBatch; ++i) sample(f, i, random, a[i], b[i]);
    run();
  }
  errors.all.take(errors.everyday);
  return errors;
}

struct Limit {
  double f32, f64;
};

// The error of a power is that of exp and |y log x| times that of the log: 3 at 40 is 53 at 710.
constexpr Limit kAtan2Limit = {2, 2}, kEverydayPowLimit = {0.6, 4}, kPowLimit = {0.6, 54};

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

bool passes(const Worst& f32, const Worst& f64, Limit limit) {
  return f32.ulp <= limit.f32 && f64.ulp <= limit.f64 && f32.wrong + f64.wrong == 0;
}

void print_head(const char* function) {
  std::printf(
      "| %s | float32: largest error (ULP) | at | float64: largest error (ULP) | at "
      "|\n|---|---|---|---|---|\n",
      function);
}

void print_row(const char* name, const Worst& a, const Worst& b) {
  std::printf("| %s | %.4f | %a, %a | %.4f | %a, %a |\n", name, a.ulp, a.at[0], a.at[1], b.ulp, b.at[0],
              b.at[1]);
  std::fflush(stdout);
}

int measure(bool is_short) {
  const std::string isa = available_isas().front();
  const MathTable& table = math_functions(isa.c_str());
  const uint64_t inputs = uint64_t(1) << (is_short ? 18 : 24);
  bool passed = true;
  print_head("function");
  for (int i = 0; i < kMathFunctions; ++i) {
    const auto f = static_cast<MathFunction>(i);
    const Worst a = float32_error(table, f, is_short ? 1021 : 1);
    const Worst b = float64_error(table, f, inputs);
    std::printf("| %s | %.4f | %a | %.4f | %a |\n", kMathFunctionNames[i], a.ulp, a.at[0], b.ulp, b.at[0]);
    std::fflush(stdout);
    passed &= passes(a, b, limit_of(f));
  }
  std::printf("\n");
  print_head("function of two numbers");
  for (int i = 0; i < kMathFunctions2; ++i) {
    const auto f = static_cast<MathFunction2>(i);
    const Errors a = error2<float>(table.f32_2, f, Wide(), inputs);
    const Errors b = error2<double>(table.f64_2, f, Widest(), inputs);
    print_row(kMathFunction2Names[i], a.all, b.all);
    passed &= passes(a.all, b.all, f == MathFunction2::atan2 ? kAtan2Limit : kPowLimit);
    if (f != MathFunction2::pow_positive) continue;
    print_row("pow_positive, \\|y log x\\| ≤ 40", a.everyday, b.everyday);
    passed &= passes(a.everyday, b.everyday, kEverydayPowLimit);
  }
  const uint64_t wrong = fused_errors(16 * inputs);
  std::printf("\nfused_by_integers: %llu of %llu are not what fma gives\n",
              static_cast<unsigned long long>(wrong), static_cast<unsigned long long>(16 * inputs));
  return passed && wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace losskit

int main(int argc, char** argv) { return losskit::measure(argc > 1 && std::strcmp(argv[1], "--short") == 0); }
