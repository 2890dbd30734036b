// How often fused_by_integers differs from the C library of this machine, whose fma is right.
#pragma once

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "simd/fused.h"

namespace losskit {
namespace {

/** Numbers among which sums of products cancel, tie, overflow and underflow. */
struct FusedInputs {
  std::mt19937_64 random{1};

  uint64_t below(uint64_t n) { return random() % n; }

  /** Some fractions are short, so that sums lie on ties and are exact. */
  double number(uint64_t exponent) {
    uint64_t fraction = random() & kFractionBits;
    if (below(3) == 0) fraction &= ~uint64_t(0) << below(53);
    return std::bit_cast<double>((random() & kSignBit) | exponent % 2048 << 52 | (fraction & kFractionBits));
  }

  /** A summand beside a product with the exponents e and f: as large as that, of any size, or tiny. */
  double summand(double product, uint64_t e, uint64_t f) {
    switch (below(5)) {
      case 0:
        return -product;
      case 1:
        return std::nextafter(-product, std::numeric_limits<double>::infinity());
      case 2:
        return number(random());
      case 3:
        return number(below(60));
      default:
        return number(e + f + 2048 - 1023 - 120 + below(240));
    }
  }
};

uint64_t fused_errors(uint64_t inputs) {
  FusedInputs input;
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < inputs; ++i) {
    // Two exponents whose product is everyday, or subnormal, or anything.
    const uint64_t e = input.below(2048), around = i % 3 == 0 ? 2046 : i % 3 == 1 ? 1060 : input.random();
    const uint64_t f = around + 2048 - e + input.below(64) - 32;
    const double a = input.number(e), b = input.number(f), c = input.summand(a * b, e, f);
    const double expected = std::fma(a, b, c), found = fused_by_integers(a, b, c);
    wrong += !(std::isnan(expected) && std::isnan(found)) &&
             std::bit_cast<uint64_t>(expected) != std::bit_cast<uint64_t>(found);
  }
  return wrong;
}

}  // namespace
}  // namespace losskit
