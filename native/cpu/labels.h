// Class labels of any integer type, read a group of rows at a time and checked before any is an index.
#pragma once

#include "cpu/row_group.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr int64_t kIgnored = -1;

/** Reads n <= kRowGroup labels of an input, ignored ones as kIgnored. False, with the fault, if one is no
 * class. */
LOSSKIT_INLINE bool read_labels(const Call& c, int input, uint64_t classes, uint64_t at, size_t n,
                                int64_t* labels, Fault& fault) {
  read_as(c.inputs[input], at, n, labels);
  const auto is_bad = [&c, classes](int64_t label) LOSSKIT_LAMBDA {
    return static_cast<uint64_t>(label) >= classes && !(c.has_ignore_index && label == c.ignore_index);
  };
  bool bad = false;
  for (size_t i = 0; i < n; ++i) bad |= is_bad(labels[i]);
  if (bad) {
    size_t i = 0;
    while (!is_bad(labels[i])) ++i;
    fault = {Status::label, input, at + i, static_cast<double>(labels[i])};
    return false;
  }
  if (c.has_ignore_index) {
    for (size_t i = 0; i < n; ++i) labels[i] = labels[i] == c.ignore_index ? kIgnored : labels[i];
  }
  return true;
}

/** Checks all labels, counts the rows that are not ignored, sums their class weights: a gradient's divisor,
 * known first. */
template <class T, int input>
void survey_labels(const Call& c, uint64_t classes, uint64_t begin, uint64_t end, Sums<T>& sums) {
  int64_t labels[kRowGroup];
  T weights[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    if (!read_labels(c, input, classes, at, n, labels, sums.fault)) return;
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) kept += labels[i] != kIgnored;
    sums.count += kept;
    if (c.weight.data != nullptr) {
      for (size_t i = 0; i < n; ++i) {
        weights[i] = labels[i] == kIgnored ? T(0) : read_one<T>(c.weight, static_cast<uint64_t>(labels[i]));
      }
      add_block(weights, n, sums.weight);
    }
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
