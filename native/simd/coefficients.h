// Written by scripts/fit/fit.sh; change fit.sollya, not this file.
#pragma once

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
struct Coefficients;

template <>
struct Coefficients<float> {
  // exp(r) - 1 = r + r^2 P(r), |r| <= ln2 / 2; of exp(r); relative error 2^-28.3
  static constexpr float expm1[] = {0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558ap-5f, 0x1.123ac8p-7f, 0x1.6a604ap-10f};
  // log(1 + r) = r - r^2 / 2 + r^3 P(r), 1 + r in [sqrt(1/2), sqrt(2)]; relative error 2^-26.8
  static constexpr float log1p[] = {0x1.55555ap-2f, -0x1.0002cap-2f, 0x1.999f02p-3f, -0x1.544bbap-3f, 0x1.22cbd8p-3f, -0x1.0ebef6p-3f, 0x1.065834p-3f, -0x1.355facp-4f};
  // log(1 + t) = t + t^2 P(t), t in [0, 1]; relative error 2^-27.5
  static constexpr float log1p01[] = {-0x1.ffffd2p-2f, 0x1.554ddap-2f, -0x1.ff2556p-3f, 0x1.935568p-3f, -0x1.3a6736p-3f, 0x1.b53c48p-4f, -0x1.d7efa8p-5f, 0x1.4a9226p-6f, -0x1.b22adep-9f};
};

template <>
struct Coefficients<double> {
  // exp(r) - 1 = r + r^2 P(r), |r| <= ln2 / 2; of exp(r); relative error 2^-63.6
  static constexpr double expm1[] = {0x1p-1, 0x1.555555555555cp-3, 0x1.5555555555543p-5, 0x1.111111110e9f7p-7, 0x1.6c16c16c1ec97p-10, 0x1.a01a01b447bacp-13, 0x1.a01a017b3f9c8p-16, 0x1.71ddee675147p-19, 0x1.27e537aad93bfp-22, 0x1.af6e9ad8e0e01p-26, 0x1.1ee74d649c83cp-29};
  // 2 atanh(s) = 2 s + s^3 P(s^2), |s| <= 3 - 2 sqrt(2); relative error 2^-59.5
  static constexpr double atanh[] = {0x1.5555555555593p-1, 0x1.999999997fac3p-2, 0x1.2492494217a8cp-2, 0x1.c71c51eb7ec1dp-3, 0x1.746644e0a05b6p-3, 0x1.39a122bef71a6p-3, 0x1.2f0b56dd20a5dp-3};
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
