// Losses of a predicted box against the true one.
//
// A box is given by two corners, x1 <= x2 and y1 <= y2. Along each axis two boxes are two intervals, whose
// own, common and enclosing lengths depend on two coordinates of the prediction only; areas are products of
// two lengths. At ties of a minimum or maximum each box has half the derivative.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Corners of a box, or derivatives by the corners of the prediction. */
template <class V>
struct Box {
  V x1, y1, x2, y2;

  friend LOSSKIT_INLINE Box operator+(const Box& a, const Box& b) {
    return {a.x1 + b.x1, a.y1 + b.y1, a.x2 + b.x2, a.y2 + b.y2};
  }
  friend LOSSKIT_INLINE Box operator-(const Box& a, const Box& b) {
    return {a.x1 - b.x1, a.y1 - b.y1, a.x2 - b.x2, a.y2 - b.y2};
  }
  friend LOSSKIT_INLINE Box operator*(V k, const Box& a) { return {k * a.x1, k * a.y1, k * a.x2, k * a.y2}; }
  friend LOSSKIT_INLINE Box select(typename V::mask m, const Box& a, const Box& b) {
    return {select(m, a.x1, b.x1), select(m, a.y1, b.y1), select(m, a.x2, b.x2), select(m, a.y2, b.y2)};
  }
};

template <class V>
struct BoxOut {
  V value;
  Box<V> grad;
};

/** A length along one axis, and its derivatives by the lower and the upper coordinate of the prediction. */
template <class V>
struct Length {
  V size, by_low, by_high;
};

/** Of two intervals, the prediction first. */
template <class V>
LOSSKIT_INLINE Length<V> common_length(V low, V high, V true_low, V true_high) {
  return {min(high, true_high) - max(low, true_low), -share_less(true_low, low), share_less(high, true_high)};
}
template <class V>
LOSSKIT_INLINE Length<V> enclosing_length(V low, V high, V true_low, V true_high) {
  return {max(high, true_high) - min(low, true_low), -share_less(low, true_low), share_less(true_high, high)};
}

/** A quantity and its derivatives. */
template <class V>
struct Quantity {
  V size;
  Box<V> slope;
};

template <class V>
LOSSKIT_INLINE Quantity<V> area(const Length<V>& x, const Length<V>& y) {
  return {x.size * y.size, {x.by_low * y.size, y.by_low * x.size, x.by_high * y.size, y.by_high * x.size}};
}

/** What all losses of boxes are made of. */
template <class V>
struct BoxPair {
  Length<V> enclosing_x, enclosing_y;
  Quantity<V> intersection, union_;

  LOSSKIT_INLINE BoxPair(const Box<V>& a, const Box<V>& b)
      : enclosing_x(enclosing_length(a.x1, a.x2, b.x1, b.x2)),
        enclosing_y(enclosing_length(a.y1, a.y2, b.y1, b.y2)) {
    const Length<V> x = common_length(a.x1, a.x2, b.x1, b.x2), y = common_length(a.y1, a.y2, b.y1, b.y2);
    const Box<V> zero = {V(0), V(0), V(0), V(0)};
    const auto meet = (x.size > V(0)) & (y.size > V(0));
    const Quantity<V> common = area(x, y);
    intersection = {select(meet, common.size, V(0)), select(meet, common.slope, zero)};
    const V width = a.x2 - a.x1, height = a.y2 - a.y1;
    const Quantity<V> own = {width * height, {-height, -width, height, width}};
    const V true_area = (b.x2 - b.x1) * (b.y2 - b.y1);
    union_ = {(own.size + true_area) - intersection.size, own.slope - intersection.slope};
  }

  /** 1 - I / (U + eps), as (U - I + eps) / (U + eps), which keeps the digits of a small loss. */
  LOSSKIT_INLINE BoxOut<V> iou_loss(V eps) const {
    const V divisor = union_.size + eps, iou = intersection.size / divisor;
    const auto is_infinite = abs(divisor) == V(infinity<double>);
    V value = ((union_.size - intersection.size) + eps) / divisor;
    // Asked, because without a gradient nothing else needs the division above.
    if (any(is_infinite)) value = select(is_infinite, V(1) - iou, value);
    return {value, (V(1) / divisor) * (iou * union_.slope - intersection.slope)};
  }
};

struct Iou {
  static constexpr const char* name = "iou";
  static constexpr Names params = {2, {"form", "eps"}};
  static constexpr int inputs = 2;
  struct Params {
    bool is_log;
    double eps;
    explicit Params(const double* p) : is_log(p[0] != 0), eps(p[1]) {}
  };
  /** 1 - I / U, or -log max(I / U, eps) */
  template <class V>
  static LOSSKIT_INLINE BoxOut<V> at(const Box<V>& pred, const Box<V>& target, const Params& p) {
    const BoxPair<V> pair(pred, target);
    if (!p.is_log) return pair.iou_loss(V(0));
    const V common = pair.intersection.size, all = pair.union_.size, iou = common / all, eps = V(p.eps);
    // The rounding of the quotient would be all that is left of a small loss.
    const V lost = fma(-iou, all, common) / common;
    const auto below = (iou < eps) | (common == V(0));
    const V value = V(0) - (log(max(eps, iou)) + select(below | (all == V(infinity<double>)), V(0), lost));
    const Box<V> slope = (V(1) / common) * (iou * pair.union_.slope - pair.intersection.slope);
    // Beyond the clamp there is no slope; a NaN is not beyond it.
    const Box<V> flat = {V(0), V(0), V(0), V(0)};
    return {value, select(below & (iou == iou), flat, slope)};
  }
};

struct EpsParams {
  static constexpr Names params = {1, {"eps"}};
  static constexpr int inputs = 2;
  struct Params {
    double eps;
    explicit Params(const double* p) : eps(p[0]) {}
  };
};

/** 1 - I / (U + eps) + (C - U) / (C + eps), with C the area of the box that encloses both. */
struct Giou : EpsParams {
  static constexpr const char* name = "giou";
  template <class V>
  static LOSSKIT_INLINE BoxOut<V> at(const Box<V>& pred, const Box<V>& target, const Params& p) {
    const V eps = V(p.eps);
    const BoxPair<V> pair(pred, target);
    const BoxOut<V> iou = pair.iou_loss(eps);
    const Quantity<V> hull = area(pair.enclosing_x, pair.enclosing_y);
    const V divisor = hull.size + eps, empty = (hull.size - pair.union_.size) / divisor;
    const Box<V> slope = (V(1) / divisor) * ((hull.slope - pair.union_.slope) - empty * hull.slope);
    return {iou.value + empty, iou.grad + slope};
  }
};

/** rho^2 / (c^2 + eps), with rho the distance of the centres and c the diagonal of the enclosing box. */
template <class V>
LOSSKIT_INLINE BoxOut<V> centre_distance(const Box<V>& a, const Box<V>& b, const BoxPair<V>& pair, V eps) {
  const V half = V(0.5), dx = half * ((a.x1 + a.x2) - (b.x1 + b.x2)),
          dy = half * ((a.y1 + a.y2) - (b.y1 + b.y2));
  const Length<V>&x = pair.enclosing_x, &y = pair.enclosing_y;
  const V divisor = fma(x.size, x.size, y.size * y.size) + eps;
  const V value = fma(dx, dx, dy * dy) / divisor, twice = value + value;
  const V by_x = twice * x.size, by_y = twice * y.size;
  const Box<V> diagonal = {by_x * x.by_low, by_y * y.by_low, by_x * x.by_high, by_y * y.by_high};
  return {value, (V(1) / divisor) * (Box<V>{dx, dy, dx, dy} - diagonal)};
}

/** 1 - I / (U + eps) + rho^2 / (c^2 + eps) */
struct Diou : EpsParams {
  static constexpr const char* name = "diou";
  template <class V>
  static LOSSKIT_INLINE BoxOut<V> at(const Box<V>& pred, const Box<V>& target, const Params& p) {
    const V eps = V(p.eps);
    const BoxPair<V> pair(pred, target);
    const BoxOut<V> iou = pair.iou_loss(eps), distance = centre_distance(pred, target, pair, eps);
    return {iou.value + distance.value, iou.grad + distance.grad};
  }
};

/** atan2(W, H) - atan2(w, h) of the sides of two boxes. */
template <class V>
LOSSKIT_INLINE V turn_of(V w, V h, V true_w, V true_h) {
  // Of a point, whose angle is 0.
  const V height = select((w == V(0)) & (h == V(0)), V(1), h);
  const V true_height = select((true_w == V(0)) & (true_h == V(0)), V(1), true_h);
  // One arctangent is exact where two would cancel, as is the difference of products rounded once.
  const V product = true_height * w, rest = fma(-true_height, w, product);
  const V turn = atan2(fma(true_w, height, -product) + rest, fma(w, true_w, height * true_height));
  // Corners in the wrong order may lie more than half a turn apart, and products may overflow.
  const V most = (abs(product) + abs(true_w * height)) + (abs(w * true_w) + abs(height * true_height));
  const auto alone = (h < V(0)) | (true_h < V(0)) | (most == V(infinity<double>));
  return any(alone) ? select(alone, atan2(true_w, true_h) - atan2(w, h), turn) : turn;
}

/** Diou + alpha v, with v = 4 / pi^2 (atan2(W, H) - atan2(w, h))^2 and alpha = v / (1 - IoU + v + eps), which
 * counts as a constant. */
struct Ciou : EpsParams {
  static constexpr const char* name = "ciou";
  template <class V>
  static LOSSKIT_INLINE BoxOut<V> at(const Box<V>& pred, const Box<V>& target, const Params& p) {
    constexpr double four_by_pi_squared = 0x1.9f02f6222c720p-2;
    const V eps = V(p.eps);
    const BoxPair<V> pair(pred, target);
    const BoxOut<V> iou = pair.iou_loss(eps), distance = centre_distance(pred, target, pair, eps);
    const V w = pred.x2 - pred.x1, h = pred.y2 - pred.y1;
    const V turn = turn_of(w, h, target.x2 - target.x1, target.y2 - target.y1);
    const V v = V(four_by_pi_squared) * (turn * turn);
    const V alpha = select(v == V(0), V(0), v / ((iou.value + v) + eps));
    const V square = fma(w, w, h * h);
    const V steepness = V(2 * four_by_pi_squared) * alpha * turn / select(square == V(0), V(1), square);
    const V by_w = -(steepness * h), by_h = steepness * w;
    return {iou.value + distance.value + alpha * v,
            iou.grad + distance.grad + Box<V>{-by_w, -by_h, by_w, by_h}};
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
