// From a row's softmax to its loss and the parts of its gradient, sixteen rows at a time.
#pragma once

#include "cpu/labels.h"
#include "cpu/softmax/measure.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

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
  const typename Loss::template Params<double> params(c.params);
  const auto lane = [&lanes](int k) LOSSKIT_LAMBDA { return Doubles::load(lanes[k]); };
  const FinishedRows done =
      finish_rows<Loss>(c, params, {lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7)});
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
