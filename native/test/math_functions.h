// The elementary functions by name, for the programs that measure and compare them.
#pragma once

#include <stddef.h>

namespace losskit {

enum class MathFunction {
  exp,
  exp_flushed,
  expm1,
  log,
  log1p,
  log1p_unit,
  tanh,
  softplus,
  sigmoid,
  log_cosh
};
constexpr int kMathFunctions = 10;
constexpr const char* kMathFunctionNames[kMathFunctions] = {
    "exp", "exp_flushed", "expm1", "log", "log1p", "log1p_unit", "tanh", "softplus", "sigmoid", "log_cosh"};

/** Functions of two numbers: atan2(y, x), pow_positive(x, y). */
enum class MathFunction2 { atan2, pow_positive };
constexpr int kMathFunctions2 = 2;
constexpr const char* kMathFunction2Names[kMathFunctions2] = {"atan2", "pow_positive"};

struct MathTable {
  void (*f32)(MathFunction, const float*, float*, size_t);
  void (*f64)(MathFunction, const double*, double*, size_t);
  void (*f32_2)(MathFunction2, const float*, const float*, float*, size_t);
  void (*f64_2)(MathFunction2, const double*, const double*, double*, size_t);
};

/** The functions as compiled for an instruction set of this machine. */
const MathTable& math_functions(const char* isa);

}  // namespace losskit
