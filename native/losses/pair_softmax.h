// The softmax of a row of all pairs in parts, from its parts to a value, and the derivatives by its scores:
// what every driver of all pairs computes, and in which order it adds.
//
// Every 128 scores of a row have their own maximum; they are combined in the order of the row, by strips of
// 4096.
#pragma once

#include "losses/all_pairs.h"
#include "losses/cosines.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Scores that are measured together, and those of a strip. */
constexpr uint64_t kTile = 128, kStrip = 4096;

template <class Loss>
constexpr bool is_self = Loss::clusters != Clusters::none;

/** Few rows have their strips measured by different threads, and kept apart until all are there. */
constexpr uint64_t strips_of(const Call& c) { return (c.others + kStrip - 1) / kStrip; }
constexpr uint64_t records_of(const Call& c) {
  return c.rows >= 4096 || strips_of(c) == 0 ? 1 : strips_of(c);
}

/** What is known of the rows of x, each an array: the derivative of the whole by a score of row i is
 * e^(s - max) factor - uniform q for most; see `slope_of` for positives. */
struct Rows {
  double *max, *factor, *uniform, *label_score, *label_slope, *positive, *shift;
  double *inverse_x, *inverse_y;  // of the norms
  double *scale_x, *scale_y;      // powers of two that keep the squares of float64 finite
  int64_t* labels;
  Chunk* measured;  // [row][record]
};

/** `of_self` says that both sides are one. */
LOSSKIT_INLINE Rows rows_of(const Call& c, bool of_self) {
  double* p = static_cast<double*>(c.shared);
  const auto take = [&](uint64_t n) LOSSKIT_LAMBDA {
    double* const taken = p;
    p += n;
    return taken;
  };
  Rows r;
  double** const arrays[] = {&r.max,      &r.factor, &r.uniform,   &r.label_score, &r.label_slope,
                             &r.positive, &r.shift,  &r.inverse_x, &r.scale_x};
  for (double** array : arrays) *array = take(c.rows);
  r.inverse_y = of_self ? r.inverse_x : take(c.others);
  r.scale_y = of_self ? r.scale_x : take(c.others);
  r.labels = reinterpret_cast<int64_t*>(take(c.rows));
  r.measured = reinterpret_cast<Chunk*>(p);
  return r;
}
template <class Loss>
LOSSKIT_INLINE Rows rows_of(const Call& c) {
  return rows_of(c, is_self<Loss>);
}
constexpr uint64_t rows_bytes(const Call& c) {
  return (10 * c.rows + 2 * c.others) * sizeof(double) + c.rows * records_of(c) * sizeof(Chunk);
}

template <class Loss, class T>
LOSSKIT_INLINE Side side_x(const Call& c, const Rows& r) {
  const bool is_scaled = Loss::cosine && sizeof(T) == 8;
  return {{c.inputs[0], c.rows, c.columns, is_scaled ? r.scale_x : nullptr}, r.inverse_x};
}
template <class Loss, class T>
LOSSKIT_INLINE Side side_y(const Call& c, const Rows& r) {
  if constexpr (is_self<Loss>) return side_x<Loss, T>(c, r);
  const bool is_scaled = Loss::cosine && sizeof(T) == 8;
  return {{c.inputs[1], c.others, c.columns, is_scaled ? r.scale_y : nullptr}, r.inverse_y};
}

template <class Loss>
constexpr double inverse_temperature(const Call& c) {
  return Loss::cosine ? 1 / c.params[0] : 1;
}

constexpr Chunk kNothing = {-infinity<double>, 0, 0, 0, 0};

/** Of whole vectors of scores; NaN is never it. */
LOSSKIT_INLINE double greatest_score(const double* s, size_t n) {
  Doubles most(-infinity<double>);
  for (size_t i = 0; i < n; i += 16) most = max(Doubles::load(s + i), most);
  return greatest(most);
}

/** Measures whole vectors of scores of which none is infinite; `weights(i)` are those of the dense part of a
 * loss. */
template <bool dense, class Weights>
LOSSKIT_INLINE Chunk measure_finite(const double* s, size_t n, double largest, Weights weights) {
  const double shift = shift_of(largest);
  Doubles one(0), rest(0), dot(0), mass(0);
  for (size_t i = 0; i < n; i += 16) {
    const Doubles score = Doubles::load(s + i), e = exp_flushed(score - Doubles(shift));
    const auto is_one = e == Doubles(1);
    one = one + select(is_one, Doubles(1), Doubles(0));
    rest = rest + select(is_one, Doubles(0), e);
    if constexpr (dense) {
      const Doubles weight = weights(i);
      const Doubles below = select(weight == Doubles(0), Doubles(0), Doubles(shift) - score);
      dot = fma(weight, below, dot);
      mass = mass + weight;
    }
  }
  return {largest, sum_lanes(one), sum_lanes(rest), sum_lanes(dot), sum_lanes(mass)};
}

/** Measures scores of which some are infinite, as products of finite numbers may be: those are the ones, and
 * all others are infinitely far below. NaN stays. `weight(j)` is that of score j in the dense part of a loss.
 */
template <bool dense, class Weight>
LOSSKIT_FUNCTION Chunk measure_infinite(const double* s, size_t n, Weight weight) {
  Chunk chunk = {infinity<double>, 0, 0, 0, 0};
  for (size_t j = 0; j < n; ++j) {
    const bool is_one = s[j] == infinity<double>;
    chunk.whole += is_one ? 1 : 0;
    if (!(s[j] <= infinity<double>)) chunk.rest = s[j];
    if constexpr (dense) {
      const double q = weight(j);
      if (q == 0) continue;
      if (!is_one) chunk.dot = q * infinity<double>;
      chunk.mass += q;
    }
  }
  return chunk;
}

/** The row up to a part, with the part; infinite maxima are equal. */
LOSSKIT_FUNCTION Chunk combine_parts(const Chunk& a, const Chunk& b) {
  if (a.max < infinity<double> || b.max < infinity<double>) return combine(a, b);
  return {a.max, a.whole + b.whole, a.rest + b.rest, a.dot + b.dot, a.mass + b.mass};
}
LOSSKIT_INLINE void combine_into(Chunk& whole, const Chunk& part, bool first) {
  whole = first ? part : combine_parts(whole, part);
}

/** Of all scores of a row. */
LOSSKIT_INLINE Chunk whole_row(const Call& c, const Rows& r, uint64_t row) {
  const uint64_t records = records_of(c);
  Chunk whole = r.measured[row * records];
  for (uint64_t k = 1; k < records; ++k) combine_into(whole, r.measured[row * records + k], false);
  return whole;
}

LOSSKIT_INLINE double log_sum_of(const Chunk& whole) {
  return of_one((whole.whole - 1) + whole.rest, [](auto v) { return log1p(v); });
}

/** A row's value, its weight in the divisor of the mean, and whether it counts. */
struct RowValue {
  double value, weight;
  bool counts;
};

/** The cross-entropy of a row's scores and its label; see losses/softmax.h. `incoming` is the gradient of its
 * value, `weight` that of its class. */
template <class Loss>
LOSSKIT_INLINE RowValue finish_labelled(const Call& c, const Rows& r, uint64_t row, double incoming,
                                        double weight) {
  r.max[row] = r.factor[row] = r.uniform[row] = r.label_slope[row] = 0;
  if (r.labels[row] < 0) return {0, 0, false};  // ignored
  const Chunk whole = whole_row(c, r, row);
  const double sum = whole.whole + whole.rest, log_sum = log_sum_of(whole);
  const double nll = (whole.max - r.label_score[row]) + log_sum;
  const double by_score = incoming * inverse_temperature<Loss>(c);
  const double p_less_one = of_one(-nll, [](auto v) { return expm1(v); });
  r.max[row] = whole.max;
  if (c.label_smoothing == 0) {
    r.factor[row] = by_score * weight / sum;
    r.label_slope[row] = by_score * weight * p_less_one;
    return {weight * nll, weight, true};
  }
  const double keep = (1 - c.label_smoothing) * weight;
  const double floor = c.label_smoothing / static_cast<double>(c.others);
  r.factor[row] = by_score * (keep + floor * whole.mass) / sum;
  r.uniform[row] = by_score * floor;
  r.label_slope[row] = by_score * (keep * p_less_one + floor * (whole.mass * (p_less_one + 1) - weight));
  return {keep * nll + floor * (whole.dot + whole.mass * log_sum), weight, true};
}

/** The mean over a row's positives of their cross-entropies. */
template <class Loss>
LOSSKIT_INLINE RowValue finish_together(const Call& c, const Rows& r, uint64_t row, double incoming) {
  const Chunk whole = whole_row(c, r, row);
  r.max[row] = whole.max;
  r.factor[row] = r.positive[row] = r.shift[row] = 0;
  if (whole.mass == 0) return {0, 0, false};
  const double log_sum = log_sum_of(whole), by_score = incoming * inverse_temperature<Loss>(c);
  r.factor[row] = by_score / (whole.whole + whole.rest);
  r.positive[row] = by_score / whole.mass;
  r.shift[row] = (whole.max + log_sum) - of_one(whole.mass, [](auto v) { return log(v); });
  return {whole.dot / whole.mass + log_sum, 1, true};
}

/** What a row's positives add up to where each stands against the negatives alone. */
struct PositiveSums {
  Doubles value{0}, slope{0}, count{0};
};

/** What the negatives of a row are to each of its positives. */
LOSSKIT_INLINE void finish_negatives(const Call& c, const Rows& r, uint64_t row) {
  const Chunk whole = whole_row(c, r, row);
  r.max[row] = whole.max;
  r.shift[row] = whole.max + log_sum_of(whole);
  r.factor[row] = whole.whole + whole.rest;
}

/** After `finish_negatives`, with the sums over the lanes of the positives. */
template <class Loss>
LOSSKIT_INLINE RowValue finish_apart(const Call& c, const Rows& r, uint64_t row, double incoming,
                                     double value, double slope, double count) {
  const double negatives = r.factor[row];  // the sum of their exponentials, so far
  r.factor[row] = r.positive[row] = 0;
  if (count == 0) return {0, 0, false};
  const double by_score = incoming * inverse_temperature<Loss>(c);
  r.positive[row] = by_score / count;
  r.factor[row] = negatives == 0 ? 0 : by_score / count * slope / negatives;
  return {value / count, 1, true};
}

/** The derivative by a score of a row without clusters: of all but the label's. */
LOSSKIT_INLINE Doubles slope_of(Doubles s, Doubles max, Doubles factor, Doubles uniform, Doubles q) {
  const Doubles e = exp_flushed(s - max);
  // Rows that do not count add nothing, whatever they hold.
  return select(factor == Doubles(0), Doubles(0), fma(e, factor, Doubles(0) - uniform * q));
}

/** The same of a row of a cluster. */
template <class Loss, class Mask>
LOSSKIT_INLINE Doubles slope_of(Doubles s, Doubles max, Doubles factor, Doubles positive, Doubles shift,
                                Mask is_positive) {
  const Doubles e = exp_flushed(s - max) * factor;
  const Doubles slope = select(factor == Doubles(0), Doubles(0), e);
  if (!any(is_positive)) return slope;
  const Doubles own = Loss::clusters == Clusters::together ? expm1(s - shift) : -sigmoid(shift - s);
  return select(is_positive, select(positive == Doubles(0), Doubles(0), positive * own), slope);
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
