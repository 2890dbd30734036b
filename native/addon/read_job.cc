#include "addon/read_job.h"

#include <cmath>

#include "addon/check_shape.h"
#include "addon/guard.h"
#include "cpu/catalogue.h"

namespace losskit {
namespace {

constexpr double kMostSafeInteger = 9007199254740991.0;

int64_t integer(double x, double least, double most, const char* what) {
  require(x >= least && x <= most, what);
  const auto whole = static_cast<int64_t>(x);
  require(static_cast<double>(whole) == x, what);
  return whole;
}

/** The type Node-API reports for an array of a dtype; half types travel as 16-bit integers. */
bool fits(napi_typedarray_type type, Dtype dtype) {
  constexpr int kFloat16Array = 11;
  switch (dtype) {
    case Dtype::float32:
      return type == napi_float32_array;
    case Dtype::float64:
      return type == napi_float64_array;
    case Dtype::float16:
      return type == napi_uint16_array || static_cast<int>(type) == kFloat16Array;
    case Dtype::bfloat16:
      return type == napi_uint16_array;
    case Dtype::int8:
      return type == napi_int8_array;
    case Dtype::uint8:
      return type == napi_uint8_array || type == napi_uint8_clamped_array;
    case Dtype::int16:
      return type == napi_int16_array;
    case Dtype::uint16:
      return type == napi_uint16_array;
    case Dtype::int32:
      return type == napi_int32_array;
    case Dtype::uint32:
      return type == napi_uint32_array;
    case Dtype::int64:
      return type == napi_bigint64_array;
    case Dtype::absent:
      break;
  }
  return false;
}

/** Numbers in a typed array. */
MutableTensor read_array(napi_env env, Dtype dtype, napi_value array) {
  MutableTensor t;
  t.dtype = dtype;
  napi_typedarray_type type;
  size_t length;
  check(napi_get_typedarray_info(env, array, &type, &length, &t.data, nullptr, nullptr), "not a typed array");
  require(fits(type, dtype), "array type and dtype differ");
  t.size = length;
  static char nothing[64];
  if (length == 0) t.data = nothing;  // present, though empty
  return t;
}

Tensor read_only(const MutableTensor& t) { return {t.data, t.size, t.dtype}; }

bool is_float(Dtype dtype) { return dtype >= Dtype::float32 && dtype <= Dtype::bfloat16; }

void read_numbers(const double* frame, Job& job) {
  Call& c = job.call;
  c.kernel = static_cast<int>(integer(frame[kSlotKernel], 0, kernel_count() - 1, "kernel"));
  job.reduction = static_cast<Reduction>(integer(frame[kSlotReduction], 0, 2, "reduction"));
  job.upstream = frame[kSlotUpstream];
  job.divisor = frame[kSlotDivisor];
  const auto size = [frame](Slot slot, const char* what) {
    return static_cast<uint64_t>(integer(frame[slot], 0, kMostSafeInteger, what));
  };
  c.rows = size(kSlotRows, "rows");
  c.columns = size(kSlotColumns, "columns");
  c.inner = size(kSlotInner, "inner");
  c.others = size(kSlotOthers, "others");
  c.has_ignore_index = !std::isnan(frame[kSlotIgnoreIndex]);
  c.ignore_index = c.has_ignore_index
                       ? integer(frame[kSlotIgnoreIndex], -kMostSafeInteger, kMostSafeInteger, "ignoreIndex")
                       : 0;
  c.label_smoothing = frame[kSlotLabelSmoothing];
  require(c.label_smoothing >= 0 && c.label_smoothing <= 1, "labelSmoothing");
  job.matmul = static_cast<Matmul>(integer(frame[kSlotMatmul], 0, 1, "matmul"));
  job.workspace = size(kSlotWorkspace, "workspace");
  for (int i = 0; i < kParams; ++i) c.params[i] = frame[kSlotParams + i];
}

/** `read` makes a tensor of a dtype and a value of JavaScript. */
template <class Read>
void read_tensors(const double* frame, const napi_value* arrays, Call& c, Read read) {
  int at = 0;
  const auto next = [&] {
    const double code = frame[kSlotDtypes + at];
    const MutableTensor t =
        code == -1 ? MutableTensor{}
                   : read(static_cast<Dtype>(integer(code, 0, kDtypes - 1, "dtype")), arrays[at]);
    ++at;
    return t;
  };
  for (Tensor& input : c.inputs) input = read_only(next());
  c.weight = read_only(next());
  c.upstream = read_only(next());
  c.values = next();
  for (MutableTensor& grad : c.grads) grad = next();
}

/** Whether the tensors are those that the numbers speak of. */
void check_tensors(const double* frame, Job& job) {
  Call& c = job.call;
  const Kernel& kernel = kernel_at(c.kernel);
  for (int i = 0; i < kInputs; ++i) {
    require((c.inputs[i].dtype != Dtype::absent) == (i < kernel.inputs), "number of inputs");
  }
  require(is_float(c.inputs[0].dtype) || kernel.grads == 0, "dtype of the first input");
  const Dtype compute = in_double(job) ? Dtype::float64 : Dtype::float32;
  for (const Tensor* t : {&c.inputs[1], &c.inputs[2], &c.inputs[3], &c.weight, &c.upstream}) {
    require(t->dtype != Dtype::float64 || compute == Dtype::float64, "an input wider than the first");
  }
  const bool has_products = kernel.driver == Driver::all_pairs && kernel.labels == 2;
  require(job.matmul == Matmul::exact || (has_products && compute == Dtype::float32), "matmul");
  check_shape(c, kernel);
  require(
      c.upstream.dtype == Dtype::absent || (c.upstream.size == c.rows && job.reduction == Reduction::none),
      "size of upstream");
  require(c.values.dtype == Dtype::absent || (c.values.dtype == compute && c.values.size == c.rows),
          "values");
  const bool wants_grad = c.grads[0].dtype != Dtype::absent;
  for (int i = 0; i < kGrads; ++i) {
    const bool given = c.grads[i].dtype != Dtype::absent;
    require(given == (wants_grad && i < kernel.grads), "number of gradients");
    if (!given) continue;
    const Tensor& input = c.inputs[kernel.grad_of[i]];
    require(input.dtype == c.inputs[0].dtype, "dtypes of inputs with a gradient");
    require(c.grads[i].dtype == input.dtype && c.grads[i].size == input.size, "a gradient");
  }

  job.outer = Outer::none;
  job.wants_value = job.reduction != Reduction::none && frame[kSlotWantsValue] != 0;
  c.is_mean = job.reduction == Reduction::mean;
  c.wants_sum = job.wants_value;
  c.scale = job.upstream;
  c.stream = false;
  c.shared = nullptr;
  job.cancel = nullptr;
}

}  // namespace

void read_job(napi_env env, const double* frame, const napi_value* arrays, Job& job) {
  read_numbers(frame, job);
  read_tensors(frame, arrays, job.call,
               [env](Dtype dtype, napi_value array) { return read_array(env, dtype, array); });
  check_tensors(frame, job);
  require(job.matmul == Matmul::exact, "matmul of arrays");
}

void read_job(const double* frame, const napi_value* values, ReadTensor read, void* context, Job& job) {
  read_numbers(frame, job);
  read_tensors(frame, values, job.call,
               [=](Dtype dtype, napi_value value) { return read(context, dtype, value); });
  check_tensors(frame, job);
}

}  // namespace losskit
