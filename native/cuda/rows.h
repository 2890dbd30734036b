// Rows of class scores: where they stand, their labels, and what multiplies their gradients.
#pragma once

#include "cuda/driver.h"
#include "cuda/tally.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr int kTeams = kThreads / kTeam;
constexpr int64_t kIgnored = -1, kBad = -2;

/** What labels name: a number of the row, or, where they are the third input, a row of the second. */
template <int input>
LOSSKIT_INLINE uint64_t classes_of(const Call& c) {
  return input == 2 ? c.others : c.columns;
}

/** A label, kIgnored, or kBad of one that is no class: of a number, or of a row. */
template <int input>
LOSSKIT_INLINE int64_t label_from(const Call& c, int64_t label) {
  if (c.has_ignore_index && label == c.ignore_index) return kIgnored;
  return static_cast<uint64_t>(label) < classes_of<input>(c) ? label : kBad;
}
template <int input>
LOSSKIT_INLINE int64_t label_of(const Call& c, uint64_t row) {
  return label_from<input>(c, number_at<int64_t>(c.inputs[input], row));
}

/** The bits of a row's label, to be read long before they are looked at; and the number. */
template <int input>
LOSSKIT_INLINE uint64_t label_bits(const Call& c, uint64_t row) {
  const Tensor& labels = c.inputs[input];
  if (labels.dtype == Dtype::int32) return stored<uint32_t>(labels.data, row);
  return static_cast<uint64_t>(number_at<int64_t>(labels, row));
}
template <int input>
LOSSKIT_INLINE int64_t label_of_bits(const Call& c, uint64_t bits) {
  const bool is_short = c.inputs[input].dtype == Dtype::int32;
  return label_from<input>(c, is_short ? static_cast<int32_t>(bits) : static_cast<int64_t>(bits));
}

/** The label of a row; a bad one is noted. */
template <int input = 1, class T, bool weighs>
LOSSKIT_INLINE int64_t label_at(const Call& c, uint64_t row, Tally<T, weighs>& tally) {
  const int64_t label = label_of<input>(c, row);
  if (label == kBad) tally.fault(row, input, Status::label);
  return label;
}

/** The weight of a class. */
template <class T>
LOSSKIT_INLINE T class_weight(const Call& c, int64_t label) {
  return c.weight.data != nullptr ? number_at<T>(c.weight, static_cast<uint64_t>(label)) : T(1);
}

/** What a row's gradient is multiplied by, its weight aside. `scale` is null where the call's own is right.
 */
LOSSKIT_INLINE double incoming_gradient(const Call& c, const double* scale, uint64_t row) {
  const double own = scale != nullptr ? *scale : c.scale;
  return c.upstream.data != nullptr ? own * number_at<double>(c.upstream, row) : own;
}

/** The weight of a row, where weights belong to rows; they repeat. */
LOSSKIT_INLINE double row_weight(const Call& c, uint64_t row) {
  return c.weight.data != nullptr ? repeated_at<double>(c.weight, row) : 1;
}

/** The numbers of a row: column k stands at `first` + k `step`. Rows that do not touch are `others` apart. */
template <class T>
struct Scores {
  const Tensor& tensor;
  uint64_t first, step;

  LOSSKIT_INLINE Scores(const Call& c, const Tensor& t, uint64_t row) : tensor(t), step(c.inner) {
    first = c.others != 0  ? row * c.others
            : c.inner == 1 ? row * c.columns
                           : row / c.inner * c.columns * c.inner + row % c.inner;
  }
  LOSSKIT_INLINE uint64_t place(uint64_t column) const { return first + column * step; }
  LOSSKIT_INLINE T operator()(uint64_t column) const { return float_at<T>(tensor, place(column)); }
};

/** Launches a kernel for rows, of which a block takes `each` at a time; at most `most` blocks for a
 * processor. */
template <class T, class P>
Code launch_rows(void (*kernel)(Call, P, const double*, Outcome<T>*), const Call& c, const Place& place,
                 uint64_t each, int most = 8) {
  return launch(kernel, grid_of(c.rows, each, place.processors, most), kThreads, 0, place.stream, c,
                P(c.params), place.scale_of<T>(), place.outcome_of<T>());
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
