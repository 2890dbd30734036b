// From a frame and tensors to a job that the kernels can run without looking back.
#pragma once

#include <napi.h>

#include "addon/frame.h"
#include "cpu/run.h"

namespace losskit {

/** Checks every number and every array against each other: the job touches no memory it should not. Every
 * member of `job` is set. */
void read_job(napi_env env, const double* frame, const napi_value* arrays, Job& job);

/** A tensor of so many numbers of a dtype, from a value of JavaScript. */
using ReadTensor = MutableTensor (*)(void* context, Dtype, napi_value);

/** The same for tensors that are no typed arrays. */
void read_job(const double* frame, const napi_value* values, ReadTensor read, void* context, Job& job);

/** Whether the job computes in float64. */
inline bool in_double(const Job& job) { return job.call.inputs[0].dtype == Dtype::float64; }

}  // namespace losskit
