// From a row's softmax to its loss and the parts of its gradient, sixteen rows at a time.
#pragma once

#include "cpu/labels.h"
#include "cpu/softmax/measure.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Whether the mean divides by the class weights of the labels, not by the number of rows. */
LOSSKIT_INLINE bool divides_by_weights(const Call& c) {
  return c.weight.data != nullptr && !is_distribution(c);
}

/** What is known of sixteen rows when they are measured. */
struct MeasuredRows {
  Doubles max, whole, rest, dot, mass;
  Doubles score;     // of the label
  Doubles weight;    // of the label's class
  Doubles incoming;  // gradient
};

/** Their losses, and what their gradients are made of: grad_j = e^(x_j - max) factor - uniform q_j. */
struct FinishedRows {
  Doubles value, factor, uniform;
  Doubles label_grad;  // replaces the gradient of the label's own class
};

template <class Loss, class T>
LOSSKIT_INLINE FinishedRows finish_rows(const Call& c, const MeasuredRows& m) {
  const typename Loss::template Params<double> params(c.params);
  const Doubles none(0), sum = m.whole + m.rest, log_sum = log1p((m.whole - Doubles(1)) + m.rest);
  if (is_distribution(c)) {
    return {m.dot + m.mass * log_sum, m.incoming * m.mass / sum, m.incoming, none};
  }
  const Doubles nll = (m.max - m.score) + log_sum;
  const bool wants_grad = c.grads[0].data != nullptr;
  const Doubles p_less_one = wants_grad ? expm1(-nll) : none;
  if (c.label_smoothing == 0) {
    const Out<Doubles> out = Loss::at(nll, params);
    if (!wants_grad) return {m.weight * out.value, none, none, none};
    const Doubles g = m.incoming * m.weight * out.grad;
    return {m.weight * out.value, g / sum, none, fma(g, p_less_one, none)};
  }
  const Doubles keep = Doubles(1 - c.label_smoothing) * m.weight,
                floor = Doubles(c.label_smoothing / static_cast<double>(c.columns));
  const Doubles value = keep * nll + floor * (m.dot + m.mass * log_sum);
  const Doubles p = p_less_one + Doubles(1), label_grad = keep * p_less_one + floor * (m.mass * p - m.weight);
  return {value, m.incoming * (keep + floor * m.mass) / sum, m.incoming * floor, m.incoming * label_grad};
}

/** A finished row, for its gradient. */
template <class T>
struct Row {
  double max, factor, uniform, weight;
  T value, label_grad;
  int64_t label;  // -1: the target is a distribution; the row's gradient is 0 if `ignored`
  bool ignored;
};

/** Finishes n <= 16 rows from `row` on. `labels` may be null; an ignored row is not looked at. */
template <class Loss, class T>
void finish_rows(const Call& c, uint64_t row, size_t n, const Chunk* whole, const T* score,
                 const int64_t* labels, Row<T>* rows) {
  alignas(64) double lanes[8][16] = {};
  for (size_t i = 0; i < n; ++i) {
    Row<T>& r = rows[i];
    r = {};
    r.label = labels == nullptr ? -1 : labels[i];
    r.ignored = labels != nullptr && labels[i] == kIgnored;
    if (r.ignored) continue;
    r.max = whole[i].max;
    r.weight = labels != nullptr && c.weight.data != nullptr
                   ? static_cast<double>(read_one<T>(c.weight, static_cast<uint64_t>(r.label)))
                   : 1;
    const double known[8] = {whole[i].max,  whole[i].whole,
                             whole[i].rest, whole[i].dot,
                             whole[i].mass, static_cast<double>(score[i]),
                             r.weight,      incoming_gradient(c, row + i)};
    for (int k = 0; k < 8; ++k) lanes[k][i] = known[k];
  }
  const auto lane = [&lanes](int k) LOSSKIT_LAMBDA { return Doubles::load(lanes[k]); };
  const FinishedRows done =
      finish_rows<Loss, T>(c, {lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7)});
  done.value.store(lanes[0]), done.factor.store(lanes[1]);
  done.uniform.store(lanes[2]), done.label_grad.store(lanes[3]);
  for (size_t i = 0; i < n; ++i) {
    Row<T>& r = rows[i];
    if (r.ignored) continue;
    r.value = static_cast<T>(lanes[0][i]);
    r.factor = lanes[1][i], r.uniform = lanes[2][i];
    r.label_grad = static_cast<T>(lanes[3][i]);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
