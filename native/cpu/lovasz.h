// The driver of the Lovász losses, a list of sorted errors at a time; see losses/lovasz.h.
//
// lovaszHinge: pred[rows, columns] and target of 0 and 1.
// lovaszSoftmax: probabilities [rows * inner, others, columns] of `others` classes, labels [rows * inner,
// columns]; `inner` images make one value.
#pragma once

#include <string.h>

#include "cpu/labels.h"
#include "losses/catalogue.h"
#include "losses/lovasz.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A pixel with a positive error. */
struct Ranked {
  uint64_t key;    // the error, as bits
  uint64_t pixel;  // twice its position, and one more where it belongs to the object
};

constexpr int kDigitBits = 11, kDigits = 6;
constexpr size_t kDigitValues = size_t(1) << kDigitBits;

LOSSKIT_INLINE size_t digit(uint64_t key, int d) {
  // From the largest error to the smallest.
  return ~(key >> (d * kDigitBits)) & (kDigitValues - 1);
}

/** Sorts by error, descending; returns where the sorted list lies: in `items` or in `other`. */
inline Ranked* sort_errors(Ranked* items, Ranked* other, size_t n) {
  size_t counts[kDigits][kDigitValues];
  memset(counts, 0, sizeof counts);
  for (size_t i = 0; i < n; ++i) {
    for (int d = 0; d < kDigits; ++d) ++counts[d][digit(items[i].key, d)];
  }
  for (int d = 0; d < kDigits; ++d) {
    size_t at = 0;
    bool is_one = false;  // all have the same digit
    for (size_t& count : counts[d]) {
      is_one |= count == n;
      const size_t here = count;
      count = at;
      at += here;
    }
    if (is_one) continue;
    for (size_t i = 0; i < n; ++i) other[counts[d][digit(items[i].key, d)]++] = items[i];
    Ranked* const sorted = other;
    other = items;
    items = sorted;
  }
  return items;
}

LOSSKIT_INLINE double error_of(const Ranked& r) {
  double error;
  memcpy(&error, &r.key, sizeof error);
  return error;
}

/** Walks down the sorted errors of an object of `size` pixels; calls `at(pixel, step)` with the weight of
 * each. */
template <class F>
double walk_errors(const Ranked* sorted, size_t n, uint64_t size, F at) {
  double sum = 0, common = static_cast<double>(size), all = common;
  for (size_t i = 0; i < n; ++i) {
    const bool is_object = (sorted[i].pixel & 1) != 0;
    const double step = jaccard_step(is_object, size, common, all);
    if (is_object) {
      common -= 1;
    } else {
      all += 1;
    }
    sum += error_of(sorted[i]) * step;
    at(sorted[i], step);
  }
  return sum;
}

/** Errors of pixels, gathered: NaN counts as positive, and comes first. */
struct Errors {
  Ranked* items;
  size_t n = 0;
  bool saw_nan = false;

  LOSSKIT_INLINE void add(double error, uint64_t position, bool is_object) {
    if (error != error) saw_nan = true;
    if (!(error > 0)) return;
    uint64_t key;
    memcpy(&key, &error, sizeof key);
    items[n++] = {key, 2 * position + (is_object ? 1 : 0)};
  }
};

constexpr size_t kPixelBlock = 1024;

/** Sets n numbers of the gradient to one value. */
template <class T>
void fill_gradient(const MutableTensor& grad, uint64_t at, uint64_t n, T value) {
  T rounded[kPixelBlock];
  for (uint64_t done = 0; done < n; done += kPixelBlock) {
    const size_t count = n - done < kPixelBlock ? static_cast<size_t>(n - done) : kPixelBlock;
    T* out = output_block(grad, at + done, rounded);
    for (size_t i = 0; i < count; ++i) out[i] = value;
    flush_block(grad, at + done, count, out);
  }
}

template <class T>
void set_gradient(const MutableTensor& grad, uint64_t at, double value) {
  T rounded[1];
  T* out = output_block(grad, at, rounded);
  *out = static_cast<T>(value);
  flush_block(grad, at, 1, out);
}

inline uint64_t saturated(uint64_t a, uint64_t b) {
  constexpr uint64_t most = uint64_t(1) << 46;
  return a == 0 || b == 0 ? 0 : a > most / b ? most : a * b;
}

// One list for each thread, and room to sort it.
inline uint64_t hinge_scratch(const Call& c) {
  return c.rows == 0 ? 0 : saturated(c.columns, 2 * sizeof(Ranked));
}
inline uint64_t softmax_scratch(const Call& c) {
  return c.rows == 0 ? 0 : saturated(saturated(c.columns, c.inner), 2 * sizeof(Ranked));
}

/** One row of lovaszHinge. False if a target is neither 0 nor 1. */
template <class T>
bool lovasz_hinge_row(const Call& c, uint64_t row, T& value, Ranked* items, Fault& fault) {
  T preds[kPixelBlock], targets[kPixelBlock];
  Errors errors{items};
  uint64_t size = 0;
  for (uint64_t done = 0; done < c.columns; done += kPixelBlock) {
    const uint64_t at = row * c.columns + done;
    const size_t n = c.columns - done < kPixelBlock ? static_cast<size_t>(c.columns - done) : kPixelBlock;
    const T* x = read_block(c.inputs[0], at, n, preds);
    const T* t = read_block(c.inputs[1], at, n, targets);
    for (size_t i = 0; i < n; ++i) {
      if (t[i] != T(0) && t[i] != T(1)) {
        fault = {Status::domain, 1, at + i, static_cast<double>(t[i])};
        return false;
      }
      const bool is_object = t[i] == T(1);
      size += is_object;
      errors.add(hinge_error(static_cast<double>(x[i]), is_object).error, done + i, is_object);
    }
  }
  const double weight = row_weight(c, row), incoming = incoming_gradient(c, row) * weight;
  const bool wants_grad = c.grads[0].data != nullptr;
  const T nothing = errors.saw_nan ? not_a_number<T> : T(0);
  if (wants_grad) fill_gradient(c.grads[0], row * c.columns, c.columns, nothing);
  if (errors.saw_nan) {
    value = not_a_number<T>;
    return true;
  }
  const Ranked* sorted = sort_errors(items, items + c.columns, errors.n);
  const double sum = walk_errors(sorted, errors.n, size, [&](const Ranked& r, double step) {
    if (!wants_grad) return;
    const double slope = (r.pixel & 1) != 0 ? -step : step;
    set_gradient<T>(c.grads[0], row * c.columns + r.pixel / 2, incoming * slope);
  });
  value = static_cast<T>(weight * sum);
  return true;
}

template <class T>
void lovasz_hinge_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  RowGroup<T> group;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    for (size_t i = 0; i < n; ++i) {
      if (!lovasz_hinge_row(c, at + i, group.values[i], static_cast<Ranked*>(scratch), sums.fault)) return;
    }
    group.finish(c, at, n, n, sums);
  }
}

// lovaszSoftmax: which classes are there; the loss of every class of every row; the mean of those.

struct ClassLoss {
  double loss;
  uint64_t pixels;  // that have this label
};

inline uint64_t class_items(const Call& c) { return c.rows * c.others; }
inline ClassLoss* shared_classes(const Call& c) { return static_cast<ClassLoss*>(c.shared); }
inline uint64_t classes_shared(const Call& c) {
  return saturated(saturated(c.rows, c.others), sizeof(ClassLoss));
}
inline uint64_t lovasz_work(const Call& c) { return c.inputs[0].size * 256; }

/** Calls `f(position, label)` for the pixels of a row. False, with the fault, if a label is no class. */
template <class F>
bool each_label(const Call& c, uint64_t row, Fault& fault, F f) {
  int64_t labels[kRowGroup];
  const uint64_t pixels = c.inner * c.columns;
  for (uint64_t done = 0; done < pixels; done += kRowGroup) {
    const size_t n = pixels - done < kRowGroup ? static_cast<size_t>(pixels - done) : kRowGroup;
    if (!read_labels(c, 1, c.others, row * pixels + done, n, labels, fault)) return false;
    for (size_t i = 0; i < n; ++i) f(done + i, labels[i]);
  }
  return true;
}

template <class T>
void count_labels(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  for (uint64_t row = begin; row < end; ++row) {
    ClassLoss* classes = shared_classes(c) + row * c.others;
    for (uint64_t k = 0; k < c.others; ++k) classes[k] = {0, 0};
    const auto count = [classes](uint64_t, int64_t label) {
      if (label != kIgnored) ++classes[label].pixels;
    };
    if (!each_label(c, row, sums.fault, count)) return;
  }
}

LOSSKIT_INLINE uint64_t classes_present(const Call& c, uint64_t row) {
  uint64_t present = 0;
  for (uint64_t k = 0; k < c.others; ++k) present += shared_classes(c)[row * c.others + k].pixels != 0;
  return present;
}

template <class T>
void lovasz_class(const Call& c, uint64_t row, uint64_t k, Ranked* items) {
  const uint64_t images = c.inner, pixels = images * c.columns;
  const bool wants_grad = c.grads[0].data != nullptr;
  // Where a pixel's probability of this class lies.
  const auto place = [&](uint64_t position) {
    const uint64_t image = position / c.columns, pixel = position % c.columns;
    return ((row * images + image) * c.others + k) * c.columns + pixel;
  };
  ClassLoss& result = shared_classes(c)[row * c.others + k];
  Errors errors{items};
  if (result.pixels != 0) {
    Fault none{};
    each_label(c, row, none, [&](uint64_t position, int64_t label) {
      if (label == kIgnored) return;
      const bool is_object = static_cast<uint64_t>(label) == k;
      const double p = read_one<double>(c.inputs[0], place(position));
      errors.add(probability_error(p, is_object).error, position, is_object);
    });
  }
  const double incoming = wants_grad ? incoming_gradient(c, row) * row_weight(c, row) /
                                           static_cast<double>(classes_present(c, row))
                                     : 0;
  const T nothing = errors.saw_nan ? not_a_number<T> : T(0);
  const Ranked* sorted = errors.saw_nan ? items : sort_errors(items, items + pixels, errors.n);
  const auto write = [&](const Ranked& r, double step) {
    if (!wants_grad) return;
    const uint64_t at = place(r.pixel / 2);
    const bool falls = probability_error(read_one<double>(c.inputs[0], at), (r.pixel & 1) != 0).falls;
    set_gradient<T>(c.grads[0], at, incoming * (falls ? -step : step));
  };
  if (wants_grad) {
    for (uint64_t image = 0; image < images; ++image) {
      fill_gradient(c.grads[0], place(image * c.columns), c.columns, nothing);
    }
  }
  result.loss = errors.saw_nan ? not_a_number<double> : walk_errors(sorted, errors.n, result.pixels, write);
}

template <class T>
void lovasz_classes(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  for (uint64_t i = begin; i < end; ++i) {
    lovasz_class<T>(c, i / c.others, i % c.others, static_cast<Ranked*>(scratch));
  }
}

template <class T>
void average_classes(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  RowGroup<T> group;
  for (uint64_t row = begin; row < end; ++row) {
    const ClassLoss* classes = shared_classes(c) + row * c.others;
    double sum = 0;
    for (uint64_t k = 0; k < c.others; ++k) sum += classes[k].pixels != 0 ? classes[k].loss : 0;
    const uint64_t present = classes_present(c, row);
    const double mean = present == 0 ? 0 : sum / static_cast<double>(present);
    group.values[0] = static_cast<T>(row_weight(c, row) * mean);
    group.finish(c, row, 1, 1, sums);
  }
}

template <class T>
constexpr KernelEntry<T> lovasz_hinge_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) {
    phases[0] = {lovasz_hinge_rows<T>, nullptr, lovasz_work, hinge_scratch};
  }
  return entry;
}

template <class T>
constexpr KernelEntry<T> lovasz_softmax_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) {
    phases[0].walk = count_labels<T>;
    phases[1] = {lovasz_classes<T>, class_items, lovasz_work, softmax_scratch};
    phases[2].walk = average_classes<T>;
  }
  entry.plan.shared = classes_shared;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
