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
  static constexpr float expm1[] = {0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558ap-5f, 0x1.123ac8p-7f,
                                    0x1.6a604ap-10f};
  // log(1 + r) = r - r^2 / 2 + r^3 P(r), 1 + r in [sqrt(1/2), sqrt(2)]; relative error 2^-26.8
  static constexpr float log1p[] = {0x1.55555ap-2f, -0x1.0002cap-2f, 0x1.999f02p-3f, -0x1.544bbap-3f,
                                    0x1.22cbd8p-3f, -0x1.0ebef6p-3f, 0x1.065834p-3f, -0x1.355facp-4f};
  // log(1 + t) = t + t^2 P(t), t in [0, 1]; relative error 2^-27.5
  static constexpr float log1p01[] = {-0x1.ffffd2p-2f, 0x1.554ddap-2f,  -0x1.ff2556p-3f,
                                      0x1.935568p-3f,  -0x1.3a6736p-3f, 0x1.b53c48p-4f,
                                      -0x1.d7efa8p-5f, 0x1.4a9226p-6f,  -0x1.b22adep-9f};
  // log(cosh(x)) = z / 2 + z^2 P(z), z = x^2, |x| <= 1; relative error 2^-27
  static constexpr float log_cosh[] = {-0x1.555516p-4f, 0x1.6c02bcp-6f,  -0x1.b7f9d8p-8f,
                                       0x1.10f5d2p-9f,  -0x1.25d03p-11f, 0x1.7088e6p-14f};
  // log(1 + t) = t + t^2 P(t), t in [0, e^-2]; relative error 2^-26.3
  static constexpr float log1p_small[] = {-0x1.ffff3ep-2f, 0x1.551da8p-2f, -0x1.f5f45ap-3f, 0x1.3b67aep-3f};
  // atan(x) = x + x z P(z), z = x^2, |x| <= 1; relative error 2^-28.6
  static constexpr float atan[] = {-0x1.55553ep-2f, 0x1.9991ecp-3f,  -0x1.24211ap-3f,
                                   0x1.c0946cp-4f,  -0x1.5825f2p-4f, 0x1.da9c2ep-5f,
                                   -0x1.fe7d24p-6f, 0x1.6551e2p-7f,  -0x1.d5a1aap-10f};
};

template <>
struct Coefficients<double> {
  // exp(r) - 1 = r + r^2 P(r), |r| <= ln2 / 2; of exp(r); relative error 2^-63.6
  static constexpr double expm1[] = {0x1p-1,
                                     0x1.555555555555cp-3,
                                     0x1.5555555555543p-5,
                                     0x1.111111110e9f7p-7,
                                     0x1.6c16c16c1ec97p-10,
                                     0x1.a01a01b447bacp-13,
                                     0x1.a01a017b3f9c8p-16,
                                     0x1.71ddee675147p-19,
                                     0x1.27e537aad93bfp-22,
                                     0x1.af6e9ad8e0e01p-26,
                                     0x1.1ee74d649c83cp-29};
  // 2 atanh(s) = 2 s + s^3 P(s^2), |s| <= 3 - 2 sqrt(2); relative error 2^-59.5
  static constexpr double atanh[] = {0x1.5555555555593p-1, 0x1.999999997fac3p-2, 0x1.2492494217a8cp-2,
                                     0x1.c71c51eb7ec1dp-3, 0x1.746644e0a05b6p-3, 0x1.39a122bef71a6p-3,
                                     0x1.2f0b56dd20a5dp-3};
  // log(cosh(x)) = z / 2 + z^2 P(z), z = x^2, |x| <= 1; relative error 2^-56.6
  static constexpr double log_cosh[] = {-0x1.55555555554f1p-4,  0x1.6c16c16c0db6cp-6,   -0x1.ba1ba1b588c32p-8,
                                        0x1.1ea5d305be54bp-9,   -0x1.833d859b124c7p-11, 0x1.0d0a30395c40fp-12,
                                        -0x1.7d8f99b175a6cp-14, 0x1.127e5fce4ad31p-15,  -0x1.8ce1a0beb758p-17,
                                        0x1.196166835989cp-18,  -0x1.71bb7c8578123p-20, 0x1.961601ec8eb26p-22,
                                        -0x1.3b927acaaf75bp-24, 0x1.f2622834b242ep-28};
  // exp(r) - 1 = r + r^2 P(r) for a float's digits, |r| <= ln2 / 2; of exp(r); relative error 2^-28.3
  static constexpr double expm1_brief[] = {0x1.fffffb9446f24p-2, 0x1.555490a0177b2p-3, 0x1.5558f4cd17fb2p-5,
                                           0x1.123a6b16ed381p-7, 0x1.6a2351c1b590ep-10};
  // log(1 + t) = t + t^2 P(t) for a float's digits, t in [0, 1]; relative error 2^-30.3
  static constexpr double log1p01_brief[] = {
      -0x1.fffff7789cb72p-2, 0x1.5553a5745d733p-2, -0x1.ffc41f1f7846cp-3, 0x1.978278e572a73p-3,
      -0x1.4a542e43a47c8p-3, 0x1.fea74bb80d44cp-4, -0x1.5445894091c37p-4, 0x1.57e96697327ccp-5,
      -0x1.bead57b84f16ap-7, 0x1.0fb4bc72fd6a1p-9};
  // atan(x) = x + x z P(z), z = x^2, |x| <= 1; relative error 2^-57.6
  static constexpr double atan[] = {
      -0x1.5555555555526p-2, 0x1.99999999955b4p-3,  -0x1.249249237f57dp-3,  0x1.c71c717fcf76cp-4,
      -0x1.745d11ae74c4fp-4, 0x1.3b13669a29d18p-4,  -0x1.110e5126faca4p-4,  0x1.e1bba66bf96ccp-5,
      -0x1.ae5e72c03aba6p-5, 0x1.82dad79a8374dp-5,  -0x1.59a3ff235644p-5,   0x1.2c2e5cbf76fcdp-5,
      -0x1.e9fa0d6f21606p-6, 0x1.683cc93ceceebp-6,  -0x1.c78fccc766f4bp-7,  0x1.d7b926ecf5435p-8,
      -0x1.7a3999f8427d3p-9, 0x1.b3faca8e051d5p-11, -0x1.3f364c30009c4p-13, 0x1.bbed9daad02f7p-17};
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
