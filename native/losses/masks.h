// Losses of masks. Those of regions are functions of three sums over an image; those of Lovász are in
// cpu/lovasz.h, for they need every pixel in order.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What an image's masks have in common and what each has alone: sums of p t, p (1 - t), t (1 - p). Of masks
 * in [0, 1] no term is negative, so small losses keep their digits. */
struct Overlap {
  double both, only_pred, only_target;
};

/** Value of an image; the derivative by pixel p is slope t + base. */
struct RegionOut {
  double value, slope, base;
};

struct RegionLoss {
  static constexpr int inputs = 2;
};

/** 1 - (I + s) / (U + s) */
struct MaskIou : RegionLoss {
  static constexpr const char* name = "maskIou";
  static constexpr Names params = {1, {"smooth"}};
  static LOSSKIT_FUNCTION RegionOut of(const Overlap& o, const double* p) {
    const double smooth = p[0], apart = o.only_pred + o.only_target;
    const double common = o.both + smooth, all = (o.both + apart) + smooth;
    return {apart / all, -(all + common) / (all * all), common / (all * all)};
  }
};

/** 1 - (2 I + s) / (P + T + s) */
struct Dice : RegionLoss {
  static constexpr const char* name = "dice";
  static constexpr Names params = {1, {"smooth"}};
  static LOSSKIT_FUNCTION RegionOut of(const Overlap& o, const double* p) {
    const double smooth = p[0], apart = o.only_pred + o.only_target;
    const double common = 2 * o.both + smooth, all = (2 * o.both + apart) + smooth;
    return {apart / all, -2 / all, common / (all * all)};
  }
};

/** 1 - (I + s) / (I + alpha FP + beta FN + s) */
struct Tversky : RegionLoss {
  static constexpr const char* name = "tversky";
  static constexpr Names params = {3, {"alpha", "beta", "smooth"}};
  static LOSSKIT_FUNCTION RegionOut of(const Overlap& o, const double* p) {
    const double alpha = p[0], beta = p[1], smooth = p[2];
    const double apart = alpha * o.only_pred + beta * o.only_target;
    const double common = o.both + smooth, all = (o.both + apart) + smooth, square = all * all;
    return {apart / all, -(all - common * ((1 - alpha) - beta)) / square, common * alpha / square};
  }
};

/** The value of Tversky to the power of gamma. */
struct FocalTversky : RegionLoss {
  static constexpr const char* name = "focalTversky";
  static constexpr Names params = {4, {"alpha", "beta", "smooth", "gamma"}};
  static LOSSKIT_FUNCTION RegionOut of(const Overlap& o, const double* p) {
    const RegionOut plain = Tversky::of(o, p);
    const double gamma = p[3];
    if (gamma == 1 || plain.value != plain.value) return plain;
    if (plain.value == 0) return {0, 0, 0};
    using V = vec<double, native_lanes<double>>;
    const double power = first_lane(exp(V(gamma) * log(V(plain.value))));
    const double steepness = gamma * power / plain.value;
    return {power, steepness * plain.slope, steepness * plain.base};
  }
};

/** ceil(clamp(20 (IoU - 0.5), 0, 10)) / 10 of masks of 0 and 1, in float32 and in this order. */
struct ThresholdedIou : RegionLoss {
  static constexpr const char* name = "thresholdedIou";
  static constexpr Names params = {0, {}};
  static constexpr Gradients gradients = {0, {}};
  static LOSSKIT_FUNCTION RegionOut of(const Overlap& o, const double*) {
    const float smooth = 1e-6f, both = static_cast<float>(o.both);
    const float any = static_cast<float>(o.both + (o.only_pred + o.only_target));
    const float iou = (both + smooth) / (any + smooth);
    const float steps = 20.0f * (iou - 0.5f);
    const float clamped = steps < 0 ? 0.0f : steps > 10 ? 10.0f : steps;
    const float whole = static_cast<float>(static_cast<int>(clamped));
    return {static_cast<double>((whole < clamped ? whole + 1.0f : whole) / 10.0f), 0, 0};
  }
};

struct LovaszHinge {
  static constexpr const char* name = "lovaszHinge";
  static constexpr Names params = {1, {"perImage"}};  // decides what a row is
  static constexpr int inputs = 2;
};

struct LovaszSoftmax {
  static constexpr const char* name = "lovaszSoftmax";
  static constexpr Names params = {1, {"perImage"}};
  static constexpr int inputs = 2;
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
