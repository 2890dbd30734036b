#include "addon/read_job.h"

#include <cmath>

#include "addon/environment.h"
#include "addon/guard.h"
#include "cpu/catalogue.h"

namespace losskit {
namespace {

constexpr double kMostSafeInteger = 9007199254740991.0;

int64_t integer(double x, double least, double most, const char* what) {
  require(x >= least && x <= most && std::trunc(x) == x, what);
  return static_cast<int64_t>(x);
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

MutableTensor read_tensor(napi_env env, double code, napi_value array) {
  MutableTensor t;
  t.dtype = static_cast<Dtype>(integer(code, -1, kDtypes - 1, "dtype"));
  if (t.dtype == Dtype::absent) return t;
  napi_typedarray_type type;
  size_t length;
  check(napi_get_typedarray_info(env, array, &type, &length, &t.data, nullptr, nullptr), "not a typed array");
  require(fits(type, t.dtype), "array type and dtype differ");
  t.size = length;
  static char nothing[64];
  if (length == 0) t.data = nothing;  // present, though empty
  return t;
}

Tensor read_only(const MutableTensor& t) { return {t.data, t.size, t.dtype}; }

bool is_float(Dtype dtype) { return dtype >= Dtype::float32 && dtype <= Dtype::bfloat16; }

/** Present and repeating a whole number of times over the batch, or absent. */
bool repeats(const Tensor& t, uint64_t rows) { return t.size == rows || (t.size != 0 && rows % t.size == 0); }

void check_elements(const Call& c, const Kernel& kernel) {
  require(c.pred.size == c.rows && c.target.size == c.rows && c.classes == 0, "sizes of the inputs");
  require(c.weight.dtype == Dtype::absent || repeats(c.weight, c.rows), "size of weight");
  require((c.extra.dtype != Dtype::absent) == (kernel.inputs == 3), "number of inputs");
  require(kernel.inputs == 2 || repeats(c.extra, c.rows), "size of extra");
  require(!c.has_ignore_index && c.label_smoothing == 0, "options of another loss");
}

void check_rows(const Call& c, const Kernel& kernel) {
  require(c.classes != 0 || c.rows == 0, "classes");
  require(c.classes == 0 || c.rows <= c.pred.size / c.classes, "size of pred");
  require(c.rows * c.classes == c.pred.size, "size of pred");
  require(c.target.size == (is_float(c.target.dtype) ? c.pred.size : c.rows), "size of target");
  require(kernel.softmax || (!is_float(c.target.dtype) && c.label_smoothing == 0),
          "the loss takes labels only");
  require(c.weight.dtype == Dtype::absent || c.weight.size == c.classes, "size of weight");
  require(c.extra.dtype == Dtype::absent, "number of inputs");
}

}  // namespace

Job read_job(napi_env env, const napi_value* arrays) {
  const double* frame = environment_of(env).frame;
  Job job{};
  Call& c = job.call;
  c.kernel = static_cast<int>(integer(frame[kSlotKernel], 0, kernel_count() - 1, "kernel"));
  const Kernel& kernel = kernel_at(c.kernel);
  job.reduction = static_cast<Reduction>(integer(frame[kSlotReduction], 0, 2, "reduction"));
  job.upstream = frame[kSlotUpstream];
  job.divisor = frame[kSlotDivisor];
  c.rows = static_cast<uint64_t>(integer(frame[kSlotRows], 0, kMostSafeInteger, "rows"));
  c.classes = static_cast<uint64_t>(integer(frame[kSlotClasses], 0, kMostSafeInteger, "classes"));
  c.has_ignore_index = !std::isnan(frame[kSlotIgnoreIndex]);
  if (c.has_ignore_index) {
    c.ignore_index = integer(frame[kSlotIgnoreIndex], -kMostSafeInteger, kMostSafeInteger, "ignoreIndex");
  }
  c.label_smoothing = frame[kSlotLabelSmoothing];
  require(c.label_smoothing >= 0 && c.label_smoothing <= 1, "labelSmoothing");
  for (int i = 0; i < 4; ++i) c.params[i] = frame[kSlotParams + i];

  const double* dtype = frame + kSlotDtypes;
  c.pred = read_only(read_tensor(env, dtype[0], arrays[0]));
  c.target = read_only(read_tensor(env, dtype[1], arrays[1]));
  c.weight = read_only(read_tensor(env, dtype[2], arrays[2]));
  c.extra = read_only(read_tensor(env, dtype[3], arrays[3]));
  c.upstream = read_only(read_tensor(env, dtype[4], arrays[4]));
  c.values = read_tensor(env, dtype[5], arrays[5]);
  c.grad = read_tensor(env, dtype[6], arrays[6]);

  require(is_float(c.pred.dtype) && c.target.dtype != Dtype::absent, "dtypes of the inputs");
  const Dtype compute = in_double(job) ? Dtype::float64 : Dtype::float32;
  for (const Tensor* t : {&c.target, &c.weight, &c.extra, &c.upstream}) {
    require(t->dtype != Dtype::float64 || compute == Dtype::float64, "an input wider than pred");
  }
  kernel.elements ? check_elements(c, kernel) : check_rows(c, kernel);
  require(
      c.upstream.dtype == Dtype::absent || (c.upstream.size == c.rows && job.reduction == Reduction::none),
      "size of upstream");
  require(c.values.dtype == Dtype::absent || (c.values.dtype == compute && c.values.size == c.rows),
          "values");
  require(c.grad.dtype == Dtype::absent || (c.grad.dtype == c.pred.dtype && c.grad.size == c.pred.size),
          "grad");

  job.wants_value = job.reduction != Reduction::none;
  c.wants_sum = job.wants_value;
  c.scale = job.upstream;
  return job;
}

}  // namespace losskit
