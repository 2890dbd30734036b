// The driver of sequences: log-probabilities [T, N, C] of T steps, label sequences [N, S], and how long each
// is. rows = N, columns = C, others = T, inner = S.
//
// One sample at a time, in vectors of neighbouring states. The forward pass keeps its row of every step where
// a gradient is wanted; the backward pass needs one row, and writes the gradient of a step when it is done
// with it.
#pragma once

#include "cpu/labels.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr size_t kLanes = 16;

/** States of a sample, padded so that whole vectors and two neighbours on either side can be read. */
LOSSKIT_INLINE uint64_t padded_states(uint64_t labels) {
  return (2 * labels + 1 + kLanes - 1) / kLanes * kLanes + 2 * kLanes;
}

/** The memory of one thread. Rows begin at the state before which one vector of -inf lies. */
struct SequenceScratch {
  double *emission, *skip, *backward, *next, *share;  // one row each
  double* posterior;                                  // of every class
  double* forward;                                    // a row of every step, or two that take turns
  uint64_t* position;                                 // of a state's label among the classes
  uint64_t width;                                     // of a row

  SequenceScratch(void* memory, const Call& c) : width(padded_states(c.inner)) {
    double* p = static_cast<double*>(memory);
    double** const rows[] = {&emission, &skip, &backward, &next, &share};
    for (double** row : rows) *row = p + kLanes, p += width;
    position = reinterpret_cast<uint64_t*>(p), p += width;
    posterior = p, p += (c.columns + kLanes - 1) / kLanes * kLanes;
    forward = p + kLanes;
  }
  /** `rows` is how many forward rows are kept. */
  static uint64_t bytes(const Call& c, uint64_t rows) {
    // Sizes that no memory holds are refused by asking for more than there is.
    constexpr uint64_t most = uint64_t(1) << 25;
    if (c.rows == 0) return 0;
    if (c.inner > most || rows > most) return uint64_t(1) << 50;
    const uint64_t width = padded_states(c.inner);
    return ((6 + rows) * width + c.columns + kLanes) * sizeof(double);
  }
};

inline uint64_t value_scratch(const Call& c) { return SequenceScratch::bytes(c, 2); }
inline uint64_t grad_scratch(const Call& c) { return SequenceScratch::bytes(c, c.others); }
inline uint64_t sequence_work(const Call& c) {
  return c.inputs[0].size * 16 + c.rows * c.others * (2 * c.inner + 1) * 64;
}

/** One sample, with its labels checked. */
struct Sample {
  uint64_t row, steps, labels, states;
};

/** Reads a length of input i, which is from 0 to `most`. */
inline bool read_length(const Call& c, int i, uint64_t row, uint64_t most, uint64_t& length, Fault& fault) {
  int64_t x;
  read_as(c.inputs[i], row, 1, &x);
  length = static_cast<uint64_t>(x);
  if (x >= 0 && length <= most) return true;
  fault = {Status::domain, i, row, static_cast<double>(x)};
  return false;
}

inline void fill(double* p, uint64_t n, double x) {
  for (uint64_t i = 0; i < n; ++i) p[i] = x;
}

/** Lays out the states of a sample: where each finds its class, and whether it can be reached past a blank.
 */
inline bool read_sample(const Call& c, const Ctc& loss, uint64_t row, SequenceScratch& s, Sample& sample,
                        Fault& fault) {
  sample.row = row;
  if (!read_length(c, 2, row, c.others, sample.steps, fault)) return false;
  if (!read_length(c, 3, row, c.inner, sample.labels, fault)) return false;
  sample.states = 2 * sample.labels + 1;
  fill(s.skip - kLanes, s.width, -infinity<double>);
  const uint64_t blank = static_cast<uint64_t>(loss.blank);
  for (uint64_t i = 0; i < sample.labels; ++i) {
    int64_t label;
    read_as(c.inputs[1], row * c.inner + i, 1, &label);
    if (static_cast<uint64_t>(label) >= c.columns || label == loss.blank) {
      fault = {Status::label, 1, row * c.inner + i, static_cast<double>(label)};
      return false;
    }
    s.position[2 * i] = blank;
    s.position[2 * i + 1] = static_cast<uint64_t>(label);
    if (i > 0 && s.position[2 * i - 1] != static_cast<uint64_t>(label)) s.skip[2 * i + 1] = 0;
  }
  s.position[2 * sample.labels] = blank;
  return true;
}

LOSSKIT_INLINE uint64_t step_at(const Call& c, uint64_t step, uint64_t row) {
  return (step * c.rows + row) * c.columns;
}

/** The log-probability of every state's class at a step; -inf beyond the states. */
inline void read_emissions(const Call& c, const Sample& sample, uint64_t step, SequenceScratch& s) {
  const uint64_t at = step_at(c, step, sample.row);
  const double blank = read_one<double>(c.inputs[0], at + s.position[0]);
  for (uint64_t k = 0; k < sample.states; ++k) {
    s.emission[k] = (k & 1) == 0 ? blank : read_one<double>(c.inputs[0], at + s.position[k]);
  }
}

/** From a row of the forward pass to the next; `from` and `to` may not be the same. */
LOSSKIT_INLINE void step_forward(const Sample& sample, const SequenceScratch& s, const double* from,
                                 double* to) {
  for (uint64_t k = 0; k < sample.states; k += kLanes) {
    const States reached = log_add(States::load(from + k), States::load(from + k - 1),
                                   States::load(from + k - 2) + States::load(s.skip + k));
    (reached + States::load(s.emission + k)).store(to + k);
  }
}

/** The row of the first step: the first blank, or the first label. */
inline void start_forward(const Sample& sample, const SequenceScratch& s, double* to) {
  fill(to - kLanes, s.width, -infinity<double>);
  to[0] = s.emission[0];
  if (sample.labels > 0) to[1] = s.emission[1];
}

LOSSKIT_INLINE double log_add_two(double a, double b) {
  double out[kLanes];
  log_add(States(a), States(b), States(-infinity<double>)).store(out);
  return out[0];
}

/** The probability of the labels, as a logarithm. `keeps` keeps the row of every step. */
inline double run_forward(const Call& c, const Sample& sample, SequenceScratch& s, bool keeps) {
  if (sample.steps == 0) return sample.labels == 0 ? 0 : -infinity<double>;
  const auto row_of = [&](uint64_t step) { return s.forward + (keeps ? step : step & 1) * s.width; };
  fill(s.emission - kLanes, s.width, -infinity<double>);
  read_emissions(c, sample, 0, s);
  start_forward(sample, s, row_of(0));
  for (uint64_t t = 1; t < sample.steps; ++t) {
    read_emissions(c, sample, t, s);
    fill(row_of(t) - kLanes, s.width, -infinity<double>);
    step_forward(sample, s, row_of(t - 1), row_of(t));
  }
  const double* last = row_of(sample.steps - 1);
  return sample.labels == 0 ? last[0] : log_add_two(last[sample.states - 1], last[sample.states - 2]);
}

/** Adds to each class the share of the alignments that are in it at this step. */
inline void add_posteriors(const Sample& sample, SequenceScratch& s, const double* forward,
                           double log_probability) {
  for (uint64_t k = 0; k < sample.states; k += kLanes) {
    share_of(States::load(s.emission + k), States::load(forward + k), States::load(s.backward + k),
             log_probability)
        .store(s.share + k);
  }
  for (uint64_t k = 0; k < sample.states; ++k) s.posterior[s.position[k]] += s.share[k];
}

/** Writes a step's gradient: factor (p - posterior). */
template <class T>
void write_step(const Call& c, const Sample& sample, uint64_t step, double factor, const SequenceScratch& s) {
  const uint64_t at = step_at(c, step, sample.row);
  constexpr size_t block = 1024;
  T logs[block], rounded[block];
  for (uint64_t done = 0; done < c.columns; done += block) {
    const size_t n = c.columns - done < block ? static_cast<size_t>(c.columns - done) : block;
    const T* x = read_block(c.inputs[0], at + done, n, logs);
    T* out = output_block(c.grads[0], at + done, rounded);
    using V = vec<T, kLanes>;
    for (size_t i = 0; i < n; i += kLanes) {
      const States p = exp(widen(load_some<V>(x + i, n - i, T(0))));
      const States grad = (p - load_some<States>(s.posterior + done + i, n - i, 0)) * States(factor);
      narrow_to<T>(grad).store(out + i, n - i < kLanes ? n - i : kLanes);
    }
    flush_block(c.grads[0], at + done, n, out);
  }
}

template <class T>
void fill_step(const Call& c, const Sample& sample, uint64_t step, T value) {
  const uint64_t at = step_at(c, step, sample.row);
  constexpr size_t block = 1024;
  T rounded[block];
  for (uint64_t done = 0; done < c.columns; done += block) {
    const size_t n = c.columns - done < block ? static_cast<size_t>(c.columns - done) : block;
    T* out = output_block(c.grads[0], at + done, rounded);
    for (size_t i = 0; i < n; ++i) out[i] = value;
    flush_block(c.grads[0], at + done, n, out);
  }
}

template <class T>
void run_backward(const Call& c, const Sample& sample, SequenceScratch& s, double log_probability,
                  double factor) {
  double *const row = s.backward, *const next = s.next;
  fill(row - kLanes, s.width, -infinity<double>);
  for (uint64_t t = sample.steps; t-- > 0;) {
    read_emissions(c, sample, t, s);
    if (t + 1 == sample.steps) {
      row[sample.states - 1] = s.emission[sample.states - 1];
      if (sample.labels > 0) row[sample.states - 2] = s.emission[sample.states - 2];
    } else {
      for (uint64_t k = 0; k < s.width; ++k) next[k - kLanes] = row[k - kLanes];
      for (uint64_t k = 0; k < sample.states; k += kLanes) {
        const States reached = log_add(States::load(next + k), States::load(next + k + 1),
                                       States::load(next + k + 2) + States::load(s.skip + k + 2));
        (reached + States::load(s.emission + k)).store(row + k);
      }
    }
    fill(s.posterior, c.columns, 0);
    add_posteriors(sample, s, s.forward + t * s.width, log_probability);
    write_step<T>(c, sample, t, factor, s);
  }
}

template <class T>
void write_gradient_of(const Call& c, const Ctc& loss, const Sample& sample, SequenceScratch& s,
                       double log_probability, double factor) {
  const bool is_impossible = log_probability == -infinity<double>;
  if (is_impossible || sample.steps == 0) {
    // Beyond reach there is no slope: NaN, or 0 if the sample is to be left out.
    const T everywhere = is_impossible && !loss.zero_infinity ? not_a_number<T> : T(0);
    for (uint64_t t = 0; t < sample.steps; ++t) fill_step(c, sample, t, everywhere);
  } else {
    run_backward<T>(c, sample, s, log_probability, factor);
  }
  for (uint64_t t = sample.steps; t < c.others; ++t) fill_step(c, sample, t, T(0));
}

template <class T, bool wants_grad>
void ctc_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  if (begin == end) return;
  const Ctc loss(c.params);
  SequenceScratch s(scratch, c);
  RowGroup<T> group;
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    for (size_t i = 0; i < n; ++i) {
      Sample sample;
      if (!read_sample(c, loss, at + i, s, sample, sums.fault)) return;
      const double log_probability = run_forward(c, sample, s, wants_grad);
      const bool is_left_out = loss.zero_infinity && log_probability == -infinity<double>;
      const double weight = row_weight(c, at + i);
      // The mean is one of losses per label.
      const double share = c.is_mean && sample.labels > 0 ? static_cast<double>(sample.labels) : 1;
      group.values[i] = is_left_out ? T(0) : static_cast<T>(weight * (0 - log_probability) / share);
      if constexpr (wants_grad) {
        write_gradient_of<T>(c, loss, sample, s, log_probability,
                             incoming_gradient(c, at + i) * weight / share);
      }
    }
    group.finish(c, at, n, n, sums);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
