// Connectionist temporal classification: a block for each sample, whose threads take its states in turns. A
// step of either pass ends with a barrier. The rows of states lie in memory, with two neighbours of -inf on
// either side; of the forward pass all of them where a gradient is wanted, else two that take turns.
#include "cuda/driver.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr uint64_t kNeighbours = 2;

/** Samples have memory of their own, up to so many at once, and as many as it suffices for, but one always.
 */
constexpr uint64_t kMostSamples = 256;
/** Where the first sample that is refused stands, before the memory of samples. */
constexpr uint64_t kHead = 128;

constexpr uint64_t width_of(const Call& c) { return 2 * c.inner + 1 + 2 * kNeighbours; }

/** Of one sample. */
constexpr uint64_t sample_bytes(const Call& c) {
  // Sizes that no memory holds are refused by asking for more than there is.
  constexpr uint64_t most = uint64_t(1) << 25;
  const uint64_t rows = c.grads[0].data != nullptr ? c.others : 2;
  return c.inner > most || rows > most ? uint64_t(1) << 50 : (9 + rows) * width_of(c) * sizeof(double);
}

constexpr uint64_t samples_at_once(const Call& c) {
  const uint64_t fit = kMostScratch / sample_bytes(c), wanted = c.rows < kMostSamples ? c.rows : kMostSamples;
  return fit < 1 ? 1 : fit < wanted ? fit : wanted;
}

/** The memory of a sample; rows begin at the first state. */
struct Lattice {
  double *emission, *skip, *share, *posterior;
  double *backward, *before;  // rows that take turns
  double* forward;
  uint64_t *position, *following;  // of a state: its class, and the next state of the same
  uint64_t* is_first;              // of its class
  uint64_t width;

  LOSSKIT_INLINE Lattice(char* memory, const Call& c) : width(width_of(c)) {
    double* p = reinterpret_cast<double*>(memory) + kNeighbours;
    const auto take = [&] {
      double* const taken = p;
      p += width;
      return taken;
    };
    emission = take(), skip = take(), share = take(), posterior = take();
    backward = take(), before = take();
    position = reinterpret_cast<uint64_t*>(take());
    following = reinterpret_cast<uint64_t*>(take());
    is_first = reinterpret_cast<uint64_t*>(take());
    forward = p;
  }
};

struct Sample {
  uint64_t row, steps, labels, states;
};

/** Calls f(k) for all states of a sample and their neighbours, by all threads of the block. */
template <class F>
LOSSKIT_INLINE void each_state(const Sample& sample, F f) {
  const int64_t end = static_cast<int64_t>(sample.states + kNeighbours), threads = blockDim.x;
  for (int64_t k = static_cast<int64_t>(threadIdx.x) - static_cast<int64_t>(kNeighbours); k < end;
       k += threads)
    f(k, k >= 0 && k < static_cast<int64_t>(sample.states));
}

LOSSKIT_INLINE int64_t label_of(const Call& c, uint64_t row, uint64_t i) {
  return number_at<int64_t>(c.inputs[1], row * c.inner + i);
}

/** Reads a sample and checks it, by `count` threads that each have a share of its labels. What is wrong is
 * told to refuse(index, input, status); true if nothing was. */
template <class F>
LOSSKIT_INLINE bool read_sample(const Call& c, const Ctc& loss, uint64_t row, unsigned thread, unsigned count,
                                Sample& sample, F refuse) {
  const auto steps = number_at<int64_t>(c.inputs[2], row), labels = number_at<int64_t>(c.inputs[3], row);
  sample = {row, static_cast<uint64_t>(steps), static_cast<uint64_t>(labels), 0};
  if (steps < 0 || sample.steps > c.others) return refuse(row, 2, Status::domain), false;
  if (labels < 0 || sample.labels > c.inner) return refuse(row, 3, Status::domain), false;
  sample.states = 2 * sample.labels + 1;
  bool is_sound = true;
  for (uint64_t i = thread; i < sample.labels; i += count) {
    const int64_t label = label_of(c, row, i);
    if (static_cast<uint64_t>(label) < c.columns && label != loss.blank) continue;
    refuse(row * c.inner + i, 1, Status::label);
    is_sound = false;
  }
  return is_sound;
}

/** Finds the first sample that is refused: faults are told by their elements, of inputs that are numbered
 * differently. A warp for each sample. */
__global__ void __launch_bounds__(kThreads, kBlocks)
    check_kernel(const __grid_constant__ Call c, const Ctc loss, Word* first) {
  const uint64_t stride = uint64_t(gridDim.x) * kWarps;
  for (uint64_t row = uint64_t(blockIdx.x) * kWarps + threadIdx.x / 32; row < c.rows; row += stride) {
    Sample sample;
    read_sample(c, loss, row, threadIdx.x % 32, 32, sample,
                [&](uint64_t, int, Status) { atomicMin(first, static_cast<Word>(row)); });
  }
}

/** Lays out the states: where each finds its class, and whether it can be reached past a blank. */
LOSSKIT_INLINE void lay_out(const Call& c, const Ctc& loss, const Sample& sample, const Lattice& s) {
  each_state(sample, [&](int64_t k, bool is_state) {
    s.skip[k] = -infinity<double>;
    if (!is_state) return;
    s.position[k] = static_cast<uint64_t>(loss.blank);
    if ((k & 1) == 0) return;
    const auto i = static_cast<uint64_t>(k / 2);
    const int64_t label = label_of(c, sample.row, i);
    s.position[k] = static_cast<uint64_t>(label);
    if (i > 0 && label_of(c, sample.row, i - 1) != label) s.skip[k] = 0;
  });
}

/** For the gradient: which states share a class. The first of them adds up their shares; the others follow in
 * order. `following` is 0 after the last. */
LOSSKIT_INLINE void link_classes(const Sample& sample, const Lattice& s) {
  each_state(sample, [&](int64_t k, bool is_state) {
    if (!is_state) return;
    const auto own = static_cast<uint64_t>(k);
    bool is_first = true;
    for (uint64_t j = own & 1; j < own && is_first; j += 2) is_first = s.position[j] != s.position[own];
    uint64_t following = own + 2;
    while (following < sample.states && s.position[following] != s.position[own]) following += 2;
    s.is_first[own] = is_first;
    s.following[own] = following < sample.states ? following : 0;
  });
}

LOSSKIT_INLINE uint64_t step_at(const Call& c, uint64_t step, uint64_t row) {
  return (step * c.rows + row) * c.columns;
}

/** Reads the log-probability of a state's class at a step. */
template <class T>
LOSSKIT_INLINE double emission_of(const Call& c, const Sample& sample, const Lattice& s, uint64_t step,
                                  int64_t k) {
  return static_cast<double>(float_at<T>(c.inputs[0], step_at(c, step, sample.row) + s.position[k]));
}

/** By call, so that both passes have one. */
LOSSKIT_SELDOM double reach(double a, double b, double c) {
  return log_add(States(a), States(b), States(c)).v;
}

/** The probability of the labels, as a logarithm, in all threads. `keeps` keeps the row of every step. */
template <class T>
LOSSKIT_INLINE double run_forward(const Call& c, const Sample& sample, const Lattice& s, bool keeps) {
  if (sample.steps == 0) return sample.labels == 0 ? 0 : -infinity<double>;
  const auto row_of = [&](uint64_t step) { return s.forward + (keeps ? step : step & 1) * s.width; };
  for (uint64_t t = 0; t < sample.steps; ++t) {
    double* const to = row_of(t);
    const double* const from = t > 0 ? row_of(t - 1) : nullptr;
    each_state(sample, [&](int64_t k, bool is_state) {
      double reached = -infinity<double>;
      if (is_state && t == 0) {
        if (k < 2) reached = emission_of<T>(c, sample, s, t, k);
      } else if (is_state) {
        reached = reach(from[k], from[k - 1], from[k - 2] + s.skip[k]) + emission_of<T>(c, sample, s, t, k);
      }
      to[k] = reached;
    });
    __syncthreads();
  }
  const double* const last = row_of(sample.steps - 1);
  if (sample.labels == 0) return last[0];
  return reach(last[sample.states - 1], last[sample.states - 2], -infinity<double>);
}

template <class T>
LOSSKIT_INLINE void put_step(const Call& c, const Sample& sample, uint64_t step, T value) {
  const uint64_t at = step_at(c, step, sample.row);
  for (uint64_t k = threadIdx.x; k < c.columns; k += blockDim.x) put_float(c.grads[0], at + k, value);
}

/** Walks back, and writes the gradient of every step: factor (p - posterior). Most classes are in no state;
 * those that are are written again. */
template <class T>
LOSSKIT_INLINE void run_backward(const Call& c, const Sample& sample, Lattice s, double log_probability,
                                 double factor) {
  for (uint64_t t = sample.steps; t-- > 0;) {
    const uint64_t at = step_at(c, t, sample.row);
    const double* const forward = s.forward + t * s.width;
    each_state(sample, [&](int64_t k, bool is_state) {
      double reached = -infinity<double>;
      if (is_state) {
        const double emission = emission_of<T>(c, sample, s, t, k);
        if (t + 1 < sample.steps) {
          reached = reach(s.before[k], s.before[k + 1], s.before[k + 2] + s.skip[k + 2]) + emission;
        } else if (static_cast<uint64_t>(k) + 2 >= sample.states) {
          reached = emission;
        }
        s.emission[k] = emission;
        s.share[k] = share_of(States(emission), States(forward[k]), States(reached), log_probability).v;
      }
      s.backward[k] = reached;
    });
    __syncthreads();  // every emission is read, which the gradient may replace
    const auto gradient_of = [&](double logarithm, double posterior) {
      return static_cast<T>((exp(States(logarithm)).v - posterior) * factor);
    };
    for (uint64_t k = threadIdx.x; k < c.columns; k += blockDim.x)
      put_float(c.grads[0], at + k, gradient_of(static_cast<double>(float_at<T>(c.inputs[0], at + k)), 0));
    const auto each_first = [&](auto f) {
      each_state(sample, [&](int64_t k, bool is_state) {
        if (is_state && s.is_first[k] != 0) f(static_cast<uint64_t>(k));
      });
    };
    each_first([&](uint64_t k) {
      double posterior = 0 + s.share[k];
      for (uint64_t j = s.following[k]; j != 0; j = s.following[j]) posterior += s.share[j];
      s.posterior[k] = posterior;
    });
    __syncthreads();
    each_first([&](uint64_t k) {
      put_float(c.grads[0], at + s.position[k], gradient_of(s.emission[k], s.posterior[k]));
    });
    double* const next = s.before;
    s.before = s.backward, s.backward = next;
  }
}

template <class T>
LOSSKIT_INLINE void write_gradient(const Call& c, const Ctc& loss, const Sample& sample, const Lattice& s,
                                   double log_probability, double factor) {
  const bool is_impossible = log_probability == -infinity<double>;
  if (is_impossible) {
    // Beyond reach there is no slope: NaN, or 0 if the sample is to be left out.
    const T everywhere = loss.zero_infinity ? T(0) : not_a_number<T>;
    for (uint64_t t = 0; t < sample.steps; ++t) put_step(c, sample, t, everywhere);
  } else {
    link_classes(sample, s);
    run_backward<T>(c, sample, s, log_probability, factor);
  }
  for (uint64_t t = sample.steps; t < c.others; ++t) put_step(c, sample, t, T(0));
}

template <class T, bool wants_grad>
__global__ void __launch_bounds__(kThreads, kBlocks)
    ctc_kernel(const __grid_constant__ Call c, const Ctc loss, char* memory, uint64_t each,
               Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const Word first_refused = *reinterpret_cast<const Word*>(memory);
  const Lattice s(memory + kHead + blockIdx.x * each, c);
  for (uint64_t row = blockIdx.x; row < c.rows; row += gridDim.x) {
    Sample sample;
    const bool is_sound = read_sample(c, loss, row, threadIdx.x, blockDim.x, sample,
                                      [&](uint64_t index, int input, Status status) {
                                        if (row == first_refused) tally.fault(index, input, status);
                                      });
    T value[1] = {T(0)};
    if (__syncthreads_or(!is_sound) == 0) {
      lay_out(c, loss, sample, s);
      __syncthreads();
      const double log_probability = run_forward<T>(c, sample, s, wants_grad);
      const bool is_left_out = loss.zero_infinity && log_probability == -infinity<double>;
      const double weight = row_weight(c, row);
      // The mean is one of losses per label.
      const double share = c.is_mean && sample.labels > 0 ? static_cast<double>(sample.labels) : 1;
      if (threadIdx.x == 0) {
        value[0] = is_left_out ? T(0) : static_cast<T>(weight * (0 - log_probability) / share);
        if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
        tally.count(1);
      }
      if constexpr (wants_grad) {
        const double incoming = incoming_gradient(c, nullptr, row);
        write_gradient<T>(c, loss, sample, s, log_probability, incoming * weight / share);
      }
    }
    if (threadIdx.x < 32 && c.wants_sum) tally.add(value);
    __syncthreads();  // the next sample has the same memory
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
struct CtcRun {
  /** Of a block: no more than have something to do, for all wait for each other at every step. */
  static unsigned threads(const Call& c) {
    const uint64_t states = width_of(c), most = states < c.columns ? c.columns : states;
    unsigned n = 32;
    while (n < kThreads && n < most) n *= 2;
    return n;
  }

  static uint64_t memory(const Call& c) { return kHead + samples_at_once(c) * sample_bytes(c); }

  static Code run(const Call& c, const Place& place) {
    const Loss loss(c.params);
    Word* const first = static_cast<Word*>(place.memory);
    Code code = cudaMemsetAsync(first, 0xff, sizeof *first, stream_of(place.stream));
    if (code != cudaSuccess) return code;
    code = launch(check_kernel, grid_of(c.rows, kWarps, place.processors, 8), kThreads, 0, place.stream, c,
                  loss, first);
    if (code != cudaSuccess) return code;
    const auto kernel = c.grads[0].data != nullptr ? ctc_kernel<T, true> : ctc_kernel<T, false>;
    return launch(kernel, static_cast<unsigned>(samples_at_once(c)), threads(c), 0, place.stream, c, loss,
                  static_cast<char*>(place.memory), sample_bytes(c), place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns ctc_runs;
constinit const DriverRuns ctc_runs = RunsOf<CtcRun, SequenceLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
