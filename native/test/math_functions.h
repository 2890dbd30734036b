// The elementary functions by name, for the programs that measure and compare them.
#pragma once

#include <stddef.h>

namespace losskit {

enum class MathFunction { exp, exp_flushed, expm1, log, log1p, log1p_unit, tanh, softplus, sigmoid };
constexpr int kMathFunctions = 9;
constexpr const char* kMathFunctionNames[kMathFunctions] = {
    "exp", "exp_flushed", "expm1", "log", "log1p", "log1p_unit", "tanh", "softplus", "sigmoid"};

struct MathTable {
  void (*f32)(MathFunction, const float*, float*, size_t);
  void (*f64)(MathFunction, const double*, double*, size_t);
};

/** The functions as compiled for an instruction set of this machine. */
const MathTable& math_functions(const char* isa);

}  // namespace losskit
