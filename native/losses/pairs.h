// Losses of two or three vectors: how far apart embeddings lie.
//
// A loss of vectors is measured in sums over their numbers, finished in a formula of these sums, and its
// gradient is made of the vectors and a few factors:
//
//   vectors        the inputs that are vectors; a label follows them if it is `labelled`
//   sums           how many sums it has
//   measure        adds them up over a row
//   finish         the value, and the numbers that the gradient is made of besides the vectors
//   slopes         the gradients of some numbers of a row
//
// Everything is float64: products of float32 are exact there.
#pragma once

#include "losses/loss.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Of a row: its value, and the numbers its gradient is made of. The first `factors` of them multiply it;
 * where they are 0, so is the gradient. */
template <class V, int n>
struct PairOut {
  V value, numbers[n];
};

/** Two embeddings that are similar (label 0) or not (label 1): (1 - y) d^2 + y max(0, margin - d)^2. */
struct Contrastive {
  static constexpr const char* name = "contrastive";
  static constexpr Names params = {1, {"margin"}};
  static constexpr int inputs = 3, vectors = 2, sums = 1, factors = 1, numbers = 1;
  static constexpr bool labelled = true;
  static constexpr Gradients gradients = {2, {0, 1}};
  double margin;
  explicit Contrastive(const double* p) : margin(p[0]) {}

  static LOSSKIT_INLINE bool takes(double label) { return label >= 0 && label <= 1; }

  template <class Row>
  LOSSKIT_INLINE void measure(Row& row, double (&sum)[sums]) const {
    using V = typename Row::vector;
    V square[1] = {V(0)};
    row.template add_up<0, 1>(square, [](V(&s)[1], V a, V b) LOSSKIT_LAMBDA {
      const V d = a - b;
      s[0] = fma(d, d, s[0]);
    });
    sum[0] = sum_lanes(square[0]);
  }
  template <class V>
  LOSSKIT_FUNCTION PairOut<V, numbers> finish(const V (&sum)[sums], V y) const {
    const V d = sqrt(sum[0]), no = V(1) - y, left = V(margin) - d;
    const V hinge = select(left <= V(0), V(0), left);
    // What a label leaves out stays out, even if it is infinite.
    const V near = select(no == V(0), V(0), no * sum[0]), far = select(y == V(0), V(0), y * (hinge * hinge));
    const auto flat = (hinge == V(0)) | (d == V(0));
    const V push = select(flat, V(0), y * (hinge / d));
    return {near + far, {V(2) * (no - push)}};
  }
  template <class V>
  LOSSKIT_INLINE void slopes(const V (&x)[2], const V (&k)[numbers], V (&grad)[2]) const {
    grad[0] = k[0] * (x[0] - x[1]);
    grad[1] = -grad[0];
  }
};

/** 1 - cos for label 1, max(0, cos - margin) for label -1, 0 for any other. */
struct CosineEmbedding {
  static constexpr const char* name = "cosineEmbedding";
  static constexpr Names params = {1, {"margin"}};
  static constexpr int inputs = 3, vectors = 2, sums = 3, factors = 3, numbers = 3;
  static constexpr bool labelled = true;
  static constexpr Gradients gradients = {2, {0, 1}};
  double margin;
  explicit CosineEmbedding(const double* p) : margin(p[0]) {}

  static LOSSKIT_INLINE bool takes(double) { return true; }

  template <class Row>
  LOSSKIT_INLINE void measure(Row& row, double (&sum)[sums]) const {
    using V = typename Row::vector;
    V products[3] = {V(0), V(0), V(0)};
    row.template add_up<0, 1>(products, [](V(&s)[3], V a, V b) LOSSKIT_LAMBDA {
      s[0] = fma(a, b, s[0]);
      s[1] = fma(a, a, s[1]);
      s[2] = fma(b, b, s[2]);
    });
    for (int i = 0; i < 3; ++i) sum[i] = sum_lanes(products[i]);
  }
  template <class V>
  LOSSKIT_FUNCTION PairOut<V, numbers> finish(const V (&sum)[sums], V y) const {
    // As in PyTorch: both squares a little larger, so that the cosine of a zero vector is 0.
    const V first = sum[1] + V(1e-12), second = sum[2] + V(1e-12), product = first * second;
    const V norms = select(product == V(infinity<double>), sqrt(first) * sqrt(second), sqrt(product));
    const V cosine = sum[0] / norms, beyond = cosine - V(margin);
    const auto similar = y == V(1), different = y == V(-1), within = beyond < V(0);
    const V value = select(different, select(within, V(0), beyond), V(0));
    // At exactly the margin as in PyTorch: it counts.
    const V sign = select(similar, V(-1), select(different, select(within, V(0), V(1)), V(0)));
    const V turn = sign * cosine;
    const auto flat = sign == V(0);
    return {select(similar, V(1) - cosine, value),
            {select(flat, V(0), sign / norms), select(flat, V(0), -(turn / first)),
             select(flat, V(0), -(turn / second))}};
  }
  template <class V>
  LOSSKIT_INLINE void slopes(const V (&x)[2], const V (&k)[numbers], V (&grad)[2]) const {
    grad[0] = fma(k[0], x[1], k[1] * x[0]);
    grad[1] = fma(k[0], x[0], k[2] * x[1]);
  }
};

/** lambda (|g| / target - 1)^2 of the gradients of a critic; one-sided only where |g| > target. */
struct GradientPenalty {
  static constexpr const char* name = "gradientPenalty";
  static constexpr Names params = {3, {"lambda", "target", "oneSided"}};
  static constexpr int inputs = 1, vectors = 1, sums = 1, factors = 1, numbers = 1;
  static constexpr bool labelled = false;
  double lambda, target;
  bool one_sided;
  explicit GradientPenalty(const double* p) : lambda(p[0]), target(p[1]), one_sided(p[2] != 0) {}

  template <class Row>
  LOSSKIT_INLINE void measure(Row& row, double (&sum)[sums]) const {
    using V = typename Row::vector;
    V square[1] = {V(0)};
    row.template add_up<0>(square, [](V(&s)[1], V g) LOSSKIT_LAMBDA { s[0] = fma(g, g, s[0]); });
    sum[0] = sum_lanes(square[0]);
  }
  template <class V>
  LOSSKIT_FUNCTION PairOut<V, numbers> finish(const V (&sum)[sums], V) const {
    const V norm = sqrt(sum[0]), off = (norm - V(target)) / V(target);
    const V far = one_sided ? select(off < V(0), V(0), off) : off;
    const V steepness = V(2 * lambda) * far / (V(target) * norm);
    return {V(lambda) * (far * far), {select((norm == V(0)) | (far == V(0)), V(0), steepness)}};
  }
  template <class V>
  LOSSKIT_INLINE void slopes(const V (&x)[1], const V (&k)[numbers], V (&grad)[1]) const {
    grad[0] = k[0] * x[0];
  }
};

/** max(0, margin + d(a, p) - d(a, n)), with d(x, y) = |x - y + eps|_p; swapped: the lesser of d(a, n) and
 * d(p, n). Computed as one of TripletOf. */
struct Triplet {
  static constexpr const char* name = "triplet";
  static constexpr Names params = {4, {"margin", "p", "eps", "swap"}};
  static constexpr int inputs = 3, vectors = 3, sums = 6, factors = 3, numbers = 6;
  static constexpr bool labelled = false;
  static constexpr Gradients gradients = {3, {0, 1, 2}};
  double margin, p, eps;
  bool swap;
  explicit Triplet(const double* q) : margin(q[0]), p(q[1]), eps(q[2]), swap(q[3] != 0) {}
};

/** A norm, and what the derivative by a number d is made of: `factor` slope(d, norm). */
template <class V>
struct Norm {
  V norm, factor;
};

/** The sign of d, 0 at 0; NaN passes. */
template <class V>
LOSSKIT_INLINE V sign_of(V d) {
  return select(abs(d) > V(0), copysign(V(1), d), d);
}

struct ManhattanNorm {
  template <class Differences>
  static LOSSKIT_INLINE void measure(const Differences& d, double, double* sum) {
    using V = typename Differences::vector;
    V size[1] = {V(0)};
    d.add_up(size, [](V(&s)[1], V x) LOSSKIT_LAMBDA { s[0] = s[0] + abs(x); });
    sum[0] = sum_lanes(size[0]);
  }
  template <class V>
  static LOSSKIT_FUNCTION Norm<V> finish(V sum, V, double) {
    return {sum, V(1)};
  }
  template <class V>
  static LOSSKIT_INLINE V slope(V d, V, double) {
    return sign_of(d);
  }
};

/** The largest |d|; numbers that share it share the derivative. */
struct MaximumNorm {
  template <class Differences>
  static LOSSKIT_INLINE void measure(const Differences& d, double, double* sum) {
    using V = typename Differences::vector;
    V largest[2] = {V(0), V(0)};  // and how often it occurs
    d.add_up(largest, [](V(&s)[2], V x) LOSSKIT_LAMBDA {
      const V a = abs(x);
      const auto larger = a > s[0];
      s[1] = select(larger, V(1), select(a == s[0], s[1] + V(1), s[1]));
      s[0] = select(a == a, select(larger, a, s[0]), a);  // a NaN stays
    });
    const V size = largest[0];
    const double nan = sum_lanes(select(size == size, V(0), size));
    sum[0] = nan == nan ? greatest(size) : nan;
    sum[1] = sum_lanes(select(size == V(sum[0]), largest[1], V(0)));
  }
  template <class V>
  static LOSSKIT_FUNCTION Norm<V> finish(V largest, V count, double) {
    return {largest, select(largest == largest, V(1) / count, largest)};
  }
  template <class V>
  static LOSSKIT_INLINE V slope(V d, V norm, double) {
    return select(abs(d) == norm, sign_of(d), V(0));
  }
};

/** Of a zero, infinite or NaN largest |d| the norm is that, and needs no finer measure. */
LOSSKIT_INLINE bool is_plain(double largest) { return !(largest > 0 && largest < infinity<double>); }

struct EuclideanNorm {
  template <class Differences>
  static LOSSKIT_INLINE void measure(const Differences& d, double p, double* sum) {
    using V = typename Differences::vector;
    V square[1] = {V(0)};
    d.add_up(square, [](V(&s)[1], V x) LOSSKIT_LAMBDA { s[0] = fma(x, x, s[0]); });
    sum[0] = sum_lanes(square[0]), sum[1] = 1;
    if (sum[0] > 0x1p-900 && sum[0] < infinity<double>) return;
    measure_scaled(d, p, sum);
  }
  template <class V>
  static LOSSKIT_FUNCTION Norm<V> finish(V sum, V scale, double) {
    const V norm = sqrt(sum) * scale;
    return {norm, select(norm == V(0), V(0), V(1) / norm)};
  }
  template <class V>
  static LOSSKIT_INLINE V slope(V d, V, double) {
    return d;
  }

 private:
  /** Where squares leave the range: those of d divided by the largest |d|, which is the scale. */
  template <class Differences>
  static LOSSKIT_FUNCTION void measure_scaled(const Differences& d, double p, double* sum) {
    using V = typename Differences::vector;
    double largest[2];
    MaximumNorm::measure(d, p, largest);
    if (is_plain(largest[0])) {
      sum[0] = largest[0];
      return;
    }
    const V scale(largest[0]);
    V square[1] = {V(0)};
    d.add_up(square, [scale](V(&s)[1], V x) LOSSKIT_LAMBDA {
      const V y = x / scale;
      s[0] = fma(y, y, s[0]);
    });
    sum[0] = sum_lanes(square[0]), sum[1] = largest[0];
  }
};

/** (sum of |d|^p)^(1/p) for any p, as the largest |d| times the norm of what remains, so that no power leaves
 * the range. */
struct GeneralNorm {
  template <class Differences>
  static LOSSKIT_INLINE void measure(const Differences& d, double p, double* sum) {
    using V = typename Differences::vector;
    MaximumNorm::measure(d, p, sum);
    const V largest(sum[0]), exponent(p);
    V powers[1] = {V(0)};
    d.add_up(powers, [largest, exponent](V(&s)[1], V x)
                         LOSSKIT_LAMBDA { s[0] = s[0] + pow_positive(abs(x) / largest, exponent); });
    sum[1] = sum_lanes(powers[0]);
  }
  template <class V>
  static LOSSKIT_FUNCTION Norm<V> finish(V largest, V powers, double p) {
    const auto plain = (largest == V(0)) | (largest == V(infinity<double>));
    const V norm = select(plain, largest, largest * pow_positive(powers, V(1 / p)));
    return {norm, select(norm == V(0), V(0), select(norm == norm, V(1), norm))};
  }
  template <class V>
  static LOSSKIT_INLINE V slope(V d, V norm, double p) {
    const V ratio = select(norm == V(0), V(0), abs(d) / norm);
    return sign_of(d) * pow_positive(ratio, V(p - 1));
  }
};

template <class N>
struct TripletOf : Triplet {
  using Triplet::Triplet;

  template <class Row>
  LOSSKIT_INLINE void measure(Row& row, double (&sum)[sums]) const {
    N::measure(row.template differences<0, 1>(eps), p, sum);
    N::measure(row.template differences<0, 2>(eps), p, sum + 2);
    if (swap) N::measure(row.template differences<1, 2>(eps), p, sum + 4);
  }
  template <class V>
  LOSSKIT_FUNCTION PairOut<V, numbers> finish(const V (&sum)[sums], V) const {
    const Norm<V> near = N::finish(sum[0], sum[1], p), far = N::finish(sum[2], sum[3], p);
    const Norm<V> other = swap ? N::finish(sum[4], sum[5], p) : far;
    const V share = swap ? share_less(far.norm, other.norm) : V(1);
    const V z = (V(margin) + near.norm) - (swap ? min(other.norm, far.norm) : far.norm);
    const auto flat = z < V(0);
    const V active = select(flat, V(0), select(z == z, V(1), z));  // at exactly 0 as in PyTorch
    return {select(flat, V(0), z),
            {active * near.factor, active * share * far.factor, active * (V(1) - share) * other.factor,
             near.norm, far.norm, other.norm}};
  }
  template <class V>
  LOSSKIT_INLINE void slopes(const V (&x)[3], const V (&k)[numbers], V (&grad)[3]) const {
    const V& a = x[0];
    const V near = k[0] * N::slope((a - x[1]) + V(eps), k[3], p);
    const V far = k[1] * N::slope((a - x[2]) + V(eps), k[4], p);
    grad[0] = near - far, grad[1] = -near, grad[2] = far;
    if (swap) {
      const V other = k[2] * N::slope((x[1] - x[2]) + V(eps), k[5], p);
      grad[1] = grad[1] - other, grad[2] = grad[2] + other;
    }
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
