// Cross-entropy of a linear layer, whose products cuBLAS computes on tensor cores.
//
// As many rows at once as the workspace has room for: their logits are made, softmax.cu turns them into
// values and, where they stand, into derivatives, of which two more products make the gradients. So the
// logits of all rows are never there, and those of some are read and written as seldom as can be.
//
// Derivatives are stored without what all of them are multiplied by: that comes with the products, so that
// those of a mean over many rows are not too small for float16.
#include <algorithm>
#include <type_traits>

#include "cuda/cublas.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {

extern const DriverRuns softmax_runs;

namespace {

template <class First, class... Others>
constexpr bool begins_with(List<First, Others...>) {
  return std::is_same_v<First, CrossEntropy>;
}
static_assert(begins_with(SoftmaxLosses()));
constexpr int kCrossEntropy = 0;  // among softmax_runs

/** Rows at once, whatever the workspace, so that products are worth their while; and of what they are a
 * multiple. */
constexpr uint64_t kLeastRows = 1024, kRowUnit = 128;

constexpr uint64_t bytes_of(Dtype dtype) { return kDtypeBytes[static_cast<int>(dtype)]; }
constexpr uint64_t rounded_up(uint64_t n, uint64_t unit) { return (n + unit - 1) / unit * unit; }

/** The inputs of a call: rows of the layer, those of its classes, labels, and perhaps a bias. */
constexpr int kInput = 0, kClasses = 1, kLabels = LinearCrossEntropy::labels, kBias = 3;

constexpr bool has_bias(const Call& c) { return c.inputs[kBias].dtype != Dtype::absent; }
constexpr bool wants_grads(const Call& c) { return c.grads[0].data != nullptr; }

/** Whether the bias lies where the epilogues of cuBLAS do not take one. */
inline bool copies_bias(const Call& c) { return reinterpret_cast<uintptr_t>(c.inputs[kBias].data) % 16 != 0; }

/** How the rows are cut, and where in memory things are. */
struct Plan {
  static constexpr uint64_t kAlignment = 256;

  uint64_t stride;  // of logits: their rows begin at whole 16 bytes, whatever the number of classes
  uint64_t step;    // rows at once
  bool adds_up;     // the gradient of the classes is added up in float32, beside its own memory
  uint64_t bytes = 0;
  uint64_t labels, relative, workspace, logits, aligned = 0, kept = 0, classes = 0, bias = 0;

  explicit Plan(const Call& c) {
    const Dtype dtype = c.inputs[kInput].dtype;
    const uint64_t size = bytes_of(dtype);
    stride = rounded_up(c.others, 16 / size);
    step = rows_at_once(c, stride * size);
    adds_up = step < c.rows && dtype != Dtype::float32;
    labels = take(c.rows * sizeof(int64_t));
    relative = take(sizeof(Outcome<float>));
    workspace = take(kCublasWorkspace);
    logits = take(step * stride * size);
    if (copies_bias(c)) aligned = take(c.others * size);
    if (!wants_grads(c)) return;
    kept = take(step * c.columns * size);
    if (adds_up) classes = take(c.others * c.columns * sizeof(float));
    if (has_bias(c)) bias = take(c.others * sizeof(double));
  }

  /** So many that all steps have about as many. */
  static uint64_t rows_at_once(const Call& c, uint64_t row_bytes) {
    const uint64_t fit = row_bytes == 0 ? c.rows : static_cast<uint64_t>(c.params[0]) / row_bytes;
    const uint64_t most = std::max(fit / kRowUnit * kRowUnit, kLeastRows);
    if (c.rows <= most) return c.rows;
    const uint64_t steps = (c.rows + most - 1) / most;
    return rounded_up((c.rows + steps - 1) / steps, kRowUnit);
  }

 private:
  uint64_t take(uint64_t n) {
    const uint64_t at = bytes;
    bytes += rounded_up(n, kAlignment);
    return at;
  }
};

/** The labels as the steps read them: those that are ignored, and those that name no class, are kIgnored. And
 * the scale of the gradients as a multiple of the call's own, which comes with the products. */
__global__ void __launch_bounds__(kThreads, kBlocks)
    target_kernel(const __grid_constant__ Call c, const double* scale, int64_t* labels,
                  Outcome<float>* relative, Outcome<float>* outcome) {
  __shared__ BlockTally<float, false> block;
  Tally<float, false> tally(block);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t row = uint64_t(blockIdx.x) * kThreads + threadIdx.x; row < c.rows; row += stride) {
    const int64_t label = label_at<kLabels>(c, row, tally);
    labels[row] = label < 0 ? kIgnored : label;
  }
  if (scale != nullptr && blockIdx.x == 0 && threadIdx.x == 0)
    relative->scale = c.scale == 0 ? 0 : *scale / c.scale;
  tally.end(c, outcome);
}

/** Copies rows; those that are ignored become zeros, and so does their gradient, for zero times what they or
 * the classes hold may be no number. A block for each row. */
template <class Word>
__global__ void __launch_bounds__(kThreads, kBlocks)
    keep_kernel(const Word* from, Word* to, Word* grads, const int64_t* labels, uint64_t rows,
                uint64_t columns) {
  for (uint64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const bool is_kept = labels[row] != kIgnored;
    for (uint64_t k = threadIdx.x; k < columns; k += kThreads) {
      const uint64_t i = row * columns + k;
      to[i] = is_kept ? from[i] : Word(0);
      if (!is_kept) grads[i] = 0;
    }
  }
}

/** Adds rows of derivatives to the sums of the classes, a thread for each class. The rows come one by one, so
 * that neither blocks nor steps can be seen. */
__global__ void __launch_bounds__(kThreads, kBlocks)
    bias_kernel(Tensor slopes, uint64_t rows, uint64_t columns, uint64_t stride, bool begins, double* sums) {
  const uint64_t step = uint64_t(gridDim.x) * kThreads;
  for (uint64_t k = uint64_t(blockIdx.x) * kThreads + threadIdx.x; k < columns; k += step) {
    double sum = begins ? 0 : sums[k];
#pragma unroll 8
    for (uint64_t row = 0; row < rows; ++row)
      sum += static_cast<double>(float_at<float>(slopes, row * stride + k));
    sums[k] = sum;
  }
}

__global__ void __launch_bounds__(kThreads, kBlocks)
    write_bias_kernel(const double* sums, double scale, MutableTensor grad) {
  const uint64_t step = uint64_t(gridDim.x) * kThreads;
  for (uint64_t k = uint64_t(blockIdx.x) * kThreads + threadIdx.x; k < grad.size; k += step)
    put_float(grad, k, static_cast<float>(sums[k] * scale));
}

__global__ void __launch_bounds__(kThreads, kBlocks) round_kernel(const float* from, MutableTensor to) {
  const uint64_t step = uint64_t(gridDim.x) * kThreads * kEach;
  for (uint64_t i = (uint64_t(blockIdx.x) * kThreads + threadIdx.x) * kEach; i < to.size; i += step) {
    const int n = to.size - i < kEach ? static_cast<int>(to.size - i) : kEach;
    write_each(to, i, n, read_each<float>({from, to.size, Dtype::float32}, i, n));
  }
}

/** A call on its way: its parts, step by step. */
class Steps {
 public:
  Steps(const Call& call, const Place& at) : c(call), place(at), plan(call) {
    const auto base = reinterpret_cast<uintptr_t>(place.memory);
    memory = reinterpret_cast<char*>(rounded_up(base, Plan::kAlignment));
  }

  Code run() const {
    const Code code =
        launch(target_kernel, grid_of(c.rows, kThreads, place.processors, 8), kThreads, 0, place.stream, c,
               place.scale_of<float>(), labels(), relative(), place.outcome_of<float>());
    if (code != cudaSuccess) return code;
    return c.rows == 0 || c.others == 0 ? write_zeros() : run_all();
  }

 private:
  const Call& c;
  const Place& place;
  const Plan plan;
  char* memory;

  struct Rows {
    uint64_t first, count;
  };

  int64_t* labels() const { return reinterpret_cast<int64_t*>(memory + plan.labels); }
  Outcome<float>* relative() const { return reinterpret_cast<Outcome<float>*>(memory + plan.relative); }
  double* bias_sums() const { return reinterpret_cast<double*>(memory + plan.bias); }
  Dtype dtype() const { return c.inputs[kInput].dtype; }

  GemmMatrix logits(Rows r) const { return {memory + plan.logits, dtype(), r.count, c.others, plan.stride}; }
  /** Rows of vectors, of the input or of its like. */
  GemmMatrix vectors(const void* data, uint64_t rows, Dtype type) const {
    return {const_cast<void*>(data), type, rows, c.columns, c.columns};
  }
  const void* input(Rows r) const { return at(c.inputs[kInput].data, r.first * c.columns, dtype()); }
  GemmMatrix classes() const { return vectors(c.inputs[kClasses].data, c.others, dtype()); }
  static char* at(const void* data, uint64_t number, Dtype type) {
    return static_cast<char*>(const_cast<void*>(data)) + number * bytes_of(type);
  }

  Code product(const Gemm& gemm) const { return multiply(gemm, memory + plan.workspace, place.stream); }

  /** Of nothing. */
  Code write_zeros() const {
    Code code = cudaSuccess;
    const auto clear = [&](const MutableTensor& t) {
      if (code == cudaSuccess && t.data != nullptr && t.size != 0)
        code = cudaMemsetAsync(t.data, 0, t.size * bytes_of(t.dtype), stream_of(place.stream));
    };
    clear(c.values);
    for (const MutableTensor& grad : c.grads) clear(grad);
    return code;
  }

  Code run_all() const {
    if (copies_bias(c)) {
      const Code code =
          cudaMemcpyAsync(memory + plan.aligned, c.inputs[kBias].data, c.others * bytes_of(dtype()),
                          cudaMemcpyDefault, stream_of(place.stream));
      if (code != cudaSuccess) return code;
    }
    for (uint64_t first = 0; first < c.rows; first += plan.step) {
      const Rows r = {first, std::min(plan.step, c.rows - first)};
      Code code = make_logits(r);
      if (code == cudaSuccess) code = measure(r);
      if (code == cudaSuccess && wants_grads(c)) code = add_gradients(r);
      if (code != cudaSuccess) return code;
    }
    return wants_grads(c) ? finish_gradients() : Code(cudaSuccess);
  }

  Code make_logits(Rows r) const {
    const void* const bias = copies_bias(c) ? memory + plan.aligned : c.inputs[kBias].data;
    return product({vectors(input(r), r.count, dtype()), classes(), logits(r), false, true, 1, 0, bias});
  }

  /** The cross-entropy of some rows of logits, whose gradient takes their place. */
  Code measure(Rows r) const {
    Call rows = c;
    rows.inputs[0] = {memory + plan.logits, r.count * plan.stride, dtype()};
    rows.inputs[1] = {labels() + r.first, r.count, Dtype::int64};
    // Where the call has labels they stay: in them the first fault is looked up.
    rows.inputs[kBias] = {};
    if (c.upstream.data != nullptr) {
      rows.upstream.data = at(c.upstream.data, r.first, c.upstream.dtype);
      rows.upstream.size = r.count;
    }
    if (c.values.data != nullptr) {
      rows.values.data = at(c.values.data, r.first, c.values.dtype);
      rows.values.size = r.count;
    }
    for (MutableTensor& grad : rows.grads) grad = {};
    if (wants_grads(c)) rows.grads[0] = {memory + plan.logits, r.count * plan.stride, dtype()};
    rows.rows = r.count;
    rows.columns = c.others;
    rows.inner = 1;
    rows.others = plan.stride;
    rows.scale = 1;
    rows.has_ignore_index = true;
    rows.ignore_index = kIgnored;
    void* const scaled = place.scaled != nullptr ? relative() : nullptr;
    return softmax_runs.f32[kCrossEntropy].run(
        rows, {place.stream, place.processors, place.outcome, nullptr, scaled});
  }

  Code add_gradients(Rows r) const {
    const auto alpha = static_cast<float>(c.scale);
    void* const own = at(c.grads[0].data, r.first * c.columns, dtype());
    Code code =
        product({logits(r), classes(), vectors(own, r.count, dtype()), false, false, alpha, 0, nullptr});
    if (code == cudaSuccess) code = keep(r, own);
    if (code != cudaSuccess) return code;
    const GemmMatrix kept = vectors(memory + plan.kept, r.count, dtype());
    const GemmMatrix sums = plan.adds_up ? vectors(memory + plan.classes, c.others, Dtype::float32)
                                         : vectors(c.grads[1].data, c.others, dtype());
    code = product({logits(r), kept, sums, true, false, alpha, r.first == 0 ? 0.0f : 1.0f, nullptr});
    if (code != cudaSuccess || !has_bias(c)) return code;
    return launch(bias_kernel, grid_of(c.others, kThreads, place.processors, 8), kThreads, 0, place.stream,
                  Tensor{memory + plan.logits, r.count * plan.stride, dtype()}, r.count, c.others,
                  plan.stride, r.first == 0, bias_sums());
  }

  Code keep(Rows r, void* grads) const {
    const auto copy = [&]<class Word>(Word*) {
      return launch(keep_kernel<Word>, grid_of(r.count, 1, place.processors, 8), kThreads, 0, place.stream,
                    static_cast<const Word*>(input(r)), reinterpret_cast<Word*>(memory + plan.kept),
                    static_cast<Word*>(grads), labels() + r.first, r.count, c.columns);
    };
    return bytes_of(dtype()) == 2 ? copy(static_cast<uint16_t*>(nullptr))
                                  : copy(static_cast<uint32_t*>(nullptr));
  }

  Code finish_gradients() const {
    Code code = cudaSuccess;
    if (plan.adds_up) {
      code = launch(round_kernel, grid_of(c.grads[1].size, kThreads * kEach, place.processors, 8), kThreads,
                    0, place.stream, reinterpret_cast<const float*>(memory + plan.classes), c.grads[1]);
    }
    if (code != cudaSuccess || !has_bias(c)) return code;
    return launch(write_bias_kernel, grid_of(c.others, kThreads, place.processors, 8), kThreads, 0,
                  place.stream, bias_sums(), c.scale, c.grads[2]);
  }
};

struct CublasRun {
  static uint64_t memory(const Call& c) { return Plan(c).bytes + Plan::kAlignment; }
  static Code run(const Call& c, const Place& place) { return Steps(c, place).run(); }
};

/** Without a bias, and with one. */
constexpr Run kRuns[] = {entry_of<CublasRun>(), entry_of<CublasRun>()};

}  // namespace

/** Of float64 it has none. */
extern const DriverRuns linear_cublas_runs;
constinit const DriverRuns linear_cublas_runs = {kRuns, nullptr, 2};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
