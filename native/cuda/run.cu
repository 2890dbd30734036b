#include "cuda/run.h"

#include <cmath>

#include "cpu/catalogue.h"
#include "cuda/driver.h"
#include "cuda/slope.h"
#include "cuda/survey.h"

namespace losskit::cuda {

extern const DriverRuns elements_runs, softmax_runs, gather_runs, margins_runs, regions_runs, boxes_runs,
    pairs_runs, siamese_runs, all_pairs_runs, linear_runs, linear_cublas_runs, ctc_runs, listed_runs,
    terms_runs, lovasz_runs;

namespace {

/** A list of losses, which may have a second way to be computed. Those of a driver stand in the order of the
 * catalogue, and all of them are there. */
struct Listed {
  Driver driver;
  const DriverRuns& runs;
  const DriverRuns* by_cublas = nullptr;
};

constexpr Listed kListed[] = {{Driver::elements, elements_runs},
                              {Driver::rows, softmax_runs},
                              {Driver::rows, gather_runs},
                              {Driver::rows, margins_runs},
                              {Driver::masks, regions_runs},
                              {Driver::masks, lovasz_runs},
                              {Driver::boxes, boxes_runs},
                              {Driver::pairs, pairs_runs},
                              {Driver::all_pairs, siamese_runs},
                              {Driver::all_pairs, all_pairs_runs},
                              {Driver::all_pairs, linear_runs, &linear_cublas_runs},
                              {Driver::sequences, ctc_runs},
                              {Driver::multilabel, listed_runs},
                              {Driver::multilabel, terms_runs}};

bool in_double(const Job& job) { return job.call.inputs[0].dtype == Dtype::float64; }

template <class T>
const Run& run_of(const Job& job) {
  const Kernel& kernel = kernel_at(job.call.kernel);
  const Listed* l = kListed;
  int index = kernel.index;
  while (l->driver != kernel.driver || index >= l->runs.count) {
    if (l->driver == kernel.driver) index -= l->runs.count;
    ++l;
  }
  const DriverRuns& runs = job.matmul == Matmul::cublas ? *l->by_cublas : l->runs;
  return (sizeof(T) == 8 ? runs.f64 : runs.f32)[index];
}

/** As its loss reads it. */
Call call_of(const Job& job) {
  Call c = job.call;
  if (job.matmul == Matmul::cublas) c.params[0] = static_cast<double>(job.workspace);
  return c;
}

bool has_labels(const Job& job) {
  const int input = kernel_at(job.call.kernel).labels;
  return input >= 0 && job.call.inputs[input].dtype >= Dtype::int8;
}

bool divides_by_weights(const Job& job) {
  return kernel_at(job.call.kernel).mean_by_weight && has_labels(job) && job.call.weight.data != nullptr;
}

/** Whether only the labels tell what a gradient is divided by: which rows count, of class scores or of
 * clusters. */
bool needs_survey(const Job& job) {
  if (job.call.grads[0].data == nullptr || job.reduction != Reduction::mean || !std::isnan(job.divisor))
    return false;
  const Kernel& kernel = kernel_at(job.call.kernel);
  const bool may_need = kernel.driver == Driver::rows || kernel.driver == Driver::all_pairs;
  if (!may_need || !has_labels(job)) return false;
  return names_clusters(kernel) || job.call.has_ignore_index || divides_by_weights(job);
}

/** Whether only the value tells what a gradient is multiplied by. */
bool needs_slope(const Job& job) { return job.call.grads[0].data != nullptr && job.outer == Outer::root; }

bool needs_scale(const Job& job) { return needs_survey(job) || needs_slope(job); }

/** Of an outcome with the scale, in whole lines of the cache. */
uint64_t scale_bytes(const Job& job) { return needs_scale(job) ? (outcome_bytes(job) + 127) / 128 * 128 : 0; }

int processors_of(int device) {
  int processors = 1;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  return processors;
}

template <class T>
Code run_typed(int device, cudaStream_t stream, const Job& job, void* outcome, void* scratch) {
  const Run& loss = run_of<T>(job);
  Call c = call_of(job);
  const bool is_own = std::isnan(job.divisor);
  const double divisor = job.reduction != Reduction::mean ? 1
                         : is_own                         ? static_cast<double>(c.rows)
                                                          : job.divisor;
  c.scale = job.upstream / divisor;
  Code code = cudaMemsetAsync(outcome, 0, sizeof(Outcome<T>), stream);
  if (code != cudaSuccess) return code;
  const Place place = {reinterpret_cast<Stream>(stream), processors_of(device), outcome,
                       static_cast<char*>(scratch) + scale_bytes(job), needs_scale(job) ? scratch : nullptr};
  if (needs_survey(job)) code = survey<T>(c, job.upstream, divides_by_weights(job), place);
  if (needs_slope(job)) code = slope<T>(c, loss, job.upstream, divisor, place);
  return code != cudaSuccess ? code : loss.run(c, place);
}

template <class T>
void read_typed(const void* bytes, Sums<T>& sums) {
  const auto& outcome = *static_cast<const Outcome<T>*>(bytes);
  limbs_of(outcome.total, sums.total);
  limbs_of(outcome.weight, sums.weight);
  sums.total.special = outcome.total_special;
  sums.weight.special = outcome.weight_special;
  sums.count = outcome.count;
  sums.fault = {Status::ok, 0, 0, 0};
  if (outcome.fault == 0) return;
  const Word place = ~outcome.fault;
  sums.fault = {static_cast<Status>(place & 3), static_cast<int>(place >> 2 & 3), place >> 4,
                outcome.fault_value};
}

}  // namespace

uint64_t outcome_bytes(const Job& job) {
  return in_double(job) ? sizeof(Outcome<double>) : sizeof(Outcome<float>);
}

uint64_t scratch_bytes(const Job& job) {
  const Run& loss = in_double(job) ? run_of<double>(job) : run_of<float>(job);
  return scale_bytes(job) + (loss.memory == nullptr ? 0 : loss.memory(call_of(job)));
}

Code run(int device, cudaStream_t stream, const Job& job, void* outcome, void* scratch) {
  return in_double(job) ? run_typed<double>(device, stream, job, outcome, scratch)
                        : run_typed<float>(device, stream, job, outcome, scratch);
}

void read(const void* outcome, Sums<float>* sums) { read_typed(outcome, *sums); }
void read(const void* outcome, Sums<double>* sums) { read_typed(outcome, *sums); }

}  // namespace losskit::cuda
