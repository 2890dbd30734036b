// A batch for any kernel, filled with repeatable numbers, for the programs that compare bits. A new driver
// gets a case in each of the two switches; a new kernel needs nothing.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "cpu/catalogue.h"
#include "cpu/run.h"

namespace losskit {

/** splitmix64 */
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

struct Hash {
  uint64_t state = 0xcbf29ce484222325;
  void word(uint64_t w) { state = (state ^ w) * 0x100000001b3, state ^= state >> 29; }
  /** All NaN are one: machines differ in the sign and payload of those they make. */
  void number(float x) { word(std::isnan(x) ? 0x7fc00000u : std::bit_cast<uint32_t>(x)); }
  void number(double x) { word(std::isnan(x) ? 0x7ff8000000000000u : std::bit_cast<uint64_t>(x)); }
};

/** Any: of any bits, of everyday size, and of the unit interval, in turns. Normal: what a model gives. */
enum class Numbers { any, unit, signs, bits, normal };

template <class T>
std::vector<T> make_numbers(Numbers kind, uint64_t seed, size_t n) {
  using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  Random random{seed};
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) {
    const double unit = random.unit();
    if (kind == Numbers::signs || kind == Numbers::bits) {
      x[i] = unit >= 0.5 ? T(1) : kind == Numbers::bits ? T(0) : T(-1);
    } else if (kind == Numbers::normal) {  // near enough: twelve of the unit interval have a variance of 1
      double sum = unit - 6;
      for (int k = 0; k < 11; ++k) sum += random.unit();
      x[i] = static_cast<T>(sum);
    } else if (kind == Numbers::unit || i % 3 == 2) {
      x[i] = static_cast<T>(unit);
    } else {
      x[i] =
          i % 3 == 0 ? std::bit_cast<T>(static_cast<Word>(random.next())) : static_cast<T>(200 * unit - 100);
    }
  }
  return x;
}

struct Sizes {
  uint64_t rows, columns = 0, inner = 0, others = 0;
};

/** Batches of a driver, the last one so large that threads share it. */
inline std::vector<Sizes> sizes_of(Driver driver) {
  switch (driver) {
    case Driver::elements:
      return {{1}, {17}, {5000}, {70000}};
    case Driver::rows:
      return {{1, 1, 1}, {100, 10, 1}, {37, 33, 1}, {9, 1000, 1}, {3, 4097, 1}, {1, 100000, 1}};
    case Driver::sequences:
      return {{1, 4, 1, 1}, {5, 17, 8, 20}, {2, 1030, 20, 25}, {24, 40, 20, 60}};
    case Driver::masks:
      return {{1, 1, 1, 1}, {37, 10, 2, 3}, {3, 4097, 1, 2}, {2, 35001, 1, 3}};
    case Driver::multilabel:
      return {{1, 1, 1}, {37, 10, 1}, {5, 300, 1}, {3000, 33, 1}};
    case Driver::boxes:
      return {{1, 4}, {37, 4}, {3000, 4}, {20001, 4}};
    case Driver::pairs:
      return {{1, 1}, {37, 10}, {5, 3001}, {1100, 65}};
    case Driver::all_pairs:
      // More than one strip of the other side, and more than one panel of a row.
      return {{1, 1, 0, 1}, {7, 5, 0, 7}, {3, 5, 0, 4500}, {33, 300, 0, 33}, {150, 40, 0, 150}};
  }
  return {};
}

/** What a batch has beside its inputs. */
enum class Extras {
  none,           // and fractions for the loss's own numbers
  all,            // weights, ignored labels, smoothed labels; ones for the loss's own numbers
  distributions,  // in place of labels, and smoothed
};

template <class T>
class Batch {
 public:
  Job job{};
  std::vector<T> values, grads[kGrads];

  Batch(int kernel, const Sizes& sizes, Numbers first, Numbers rest, Extras extras)
      : kernel_(kernel_at(kernel)), first_(first), rest_(rest), extras_(extras) {
    Call& c = job.call;
    c.kernel = kernel;
    c.rows = sizes.rows, c.columns = sizes.columns, c.inner = sizes.inner, c.others = sizes.others;
    fill(sizes);
    set_extras(sizes);
    values.resize(sizes.rows);
    c.values = {values.data(), values.size(), kDtype};
    for (int i = 0; i < kernel_.grads; ++i) {
      grads[i].resize(c.inputs[kernel_.grad_of[i]].size);
      c.grads[i] = {grads[i].data(), grads[i].size(), kDtype};
    }
    c.wants_sum = c.is_mean = true;
    job.reduction = Reduction::mean;
    job.upstream = 1.25;
    job.divisor = std::nan("");
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /** Runs it, and hashes all that it gives. */
  Status hash_into(Hash& hash) {
    Sums<T> sums;
    run(job, sums);
    const Fault& fault = sums.fault;
    hash.word(static_cast<uint64_t>(fault.status));
    if (fault.status != Status::ok) {  // outputs are as far as the threads came
      hash.word(static_cast<uint64_t>(fault.input)), hash.word(fault.index), hash.number(fault.value);
      return fault.status;
    }
    for (uint64_t limb : sums.total.limb) hash.word(limb);
    hash.word(sums.total.special);
    hash.word(sums.count);
    hash.number(reduce(sums, divides_by_weights(job.call), Reduction::mean, std::nan("")));
    for (T x : values) hash.number(x);
    if (job.call.grads[0].data == nullptr) return fault.status;
    for (const std::vector<T>& grad : grads) {
      for (T x : grad) hash.number(x);
    }
    return fault.status;
  }

  void drop_gradients() {
    for (MutableTensor& grad : job.call.grads) grad = {};
  }

 private:
  static constexpr Dtype kDtype = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;
  static constexpr int64_t kIgnoredLabel = -100;

  const Kernel& kernel_;
  Numbers first_, rest_;
  Extras extras_;
  std::vector<T> numbers_[kInputs], weight_;
  std::vector<int64_t> integers_[kInputs];

  void numbers(int input, uint64_t n) {
    numbers_[input] = make_numbers<T>(input == 0 ? first_ : rest_, 7 + static_cast<uint64_t>(input), n);
    job.call.inputs[input] = {numbers_[input].data(), n, kDtype};
  }

  /** From `least` to `most`. */
  void integers(int input, uint64_t n, uint64_t least, uint64_t most) {
    Random random{20 + static_cast<uint64_t>(input)};
    integers_[input].resize(n);
    for (int64_t& x : integers_[input]) {
      x = static_cast<int64_t>(least + random.next() % (most - least + 1));
      if (input == kernel_.labels && extras_ == Extras::all && random.next() % 8 == 0) x = kIgnoredLabel;
    }
    job.call.inputs[input] = {integers_[input].data(), n, Dtype::int64};
  }

  void fill(const Sizes& s) {
    switch (kernel_.driver) {
      case Driver::elements:
        for (int i = 0; i < kernel_.inputs; ++i) numbers(i, s.rows);
        break;
      case Driver::rows:
        numbers(0, s.rows * s.columns);
        if (kernel_.labels == 1 && extras_ != Extras::distributions) {
          integers(1, s.rows, 0, s.columns - 1);
        } else {
          numbers(1, s.rows * s.columns);
        }
        break;
      case Driver::sequences:
        numbers(0, s.others * s.rows * s.columns);
        integers(1, s.rows * s.inner, 2, s.columns - 1);  // the blank is 0 or 1
        integers(2, s.rows, s.others / 2, s.others);
        integers(3, s.rows, 0, s.inner);
        break;
      case Driver::masks:
        if (kernel_.labels == 1) {
          numbers(0, s.rows * s.inner * s.others * s.columns);
          integers(1, s.rows * s.inner * s.columns, 0, s.others - 1);
        } else {
          numbers(0, s.rows * s.columns);
          numbers(1, s.rows * s.columns);
        }
        break;
      case Driver::multilabel:
        numbers(0, s.rows * s.columns);
        if (kernel_.labels == 1) {
          integers(1, s.rows * s.columns, 0, s.columns - 1);
          // Every pair of a right and a wrong class is work: short lists.
          for (size_t i = 2; i < integers_[1].size(); i += 3) integers_[1][i] = -1;
        } else {
          numbers(1, s.rows * s.columns);
        }
        break;
      case Driver::boxes:
        numbers(0, 4 * s.rows);
        numbers(1, 4 * s.rows);
        break;
      case Driver::pairs:
        for (int i = 0; i < kernel_.inputs; ++i) numbers(i, i < kernel_.grads ? s.rows * s.columns : s.rows);
        break;
      case Driver::all_pairs:
        fill_all_pairs(s);
        break;
    }
  }

  /** Scores against scores, rows against themselves by their labels, or rows against others. */
  void fill_all_pairs(const Sizes& s) {
    if (kernel_.labels == 1) {
      job.call.others = s.rows;
      numbers(0, s.rows * s.columns);
      return integers(1, s.rows, 0, 4);
    }
    if (kernel_.labels < 0 && kernel_.params == 0) {
      numbers(0, s.rows);
      return numbers(1, s.others);
    }
    numbers(0, s.rows * s.columns);
    numbers(1, s.others * s.columns);
    if (kernel_.labels == 2) integers(2, s.rows, 0, s.others - 1);
    if (kernel_.inputs == 4) numbers(3, s.others);
  }

  /** How many weights a batch may have; none where the loss takes none. */
  uint64_t weights_of(const Sizes& s) const {
    switch (kernel_.driver) {
      case Driver::rows:
        return s.columns;
      case Driver::multilabel:
        return kernel_.labels < 0 ? s.columns : 0;
      case Driver::all_pairs:
        return kernel_.labels == 2 ? s.others : 0;
      default:
        return s.rows;
    }
  }

  void set_extras(const Sizes& s) {
    Call& c = job.call;
    for (int i = 0; i < kParams; ++i) c.params[i] = extras_ == Extras::none ? 0.75 + i : 1;
    if ((kernel_.distributions || kernel_.labels == 2) && extras_ != Extras::none) c.label_smoothing = 0.1;
    if (extras_ != Extras::all) return;
    c.has_ignore_index = kernel_.labels >= 0;
    c.ignore_index = kIgnoredLabel;
    weight_ = make_numbers<T>(Numbers::unit, 11, weights_of(s));
    if (weight_.empty()) return;
    c.weight = {weight_.data(), weight_.size(), kDtype};
  }
};

}  // namespace losskit
