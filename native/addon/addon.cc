// The addon: what an environment gets when it loads it.

#include <napi.h>

#include <memory>

#include "addon/cuda/functions.h"
#include "addon/environment.h"
#include "addon/exports.h"
#include "addon/memory.h"
#include "addon/run_functions.h"
#include "addon/state_functions.h"
#include "cpu/catalogue.h"
#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "storage.h"

namespace losskit {
namespace {

napi_value info(napi_env env, napi_callback_info) {
  Napi::Env e(env);
  auto info = Napi::Object::New(e), isas = Napi::Array::New(e).As<Napi::Object>();
  uint32_t i = 0;
  for (const std::string& name : available_isas()) isas.Set(i++, name);
  info.Set("isa", active_isa());
  info.Set("isas", isas);
  info.Set("threads", thread_count());
  info.Set("cpus", processor_count());
  return info;
}

napi_value set_threads(napi_env env, napi_callback_info callback_info) {
  const Arguments<1> arguments(env, callback_info);
  const double wanted = read_number(env, arguments.value[0], "threads");
  require(wanted == wanted, "threads");
  return make_number(env, set_thread_count(wanted < 1 ? 1 : wanted > 1024 ? 1024 : static_cast<int>(wanted)));
}

napi_value set_isa(napi_env env, napi_callback_info callback_info) {
  const Arguments<1> arguments(env, callback_info);
  require(choose_isa(read_string(env, arguments.value[0], "isa")),
          "this machine does not have that instruction set");
  return make_undefined(env);
}

template <class Names>
Napi::Array make_names(Napi::Env env, const Names& names, int count) {
  auto array = Napi::Array::New(env, static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) array.Set(static_cast<uint32_t>(i), names[i]);
  return array;
}

Napi::Array make_kernels(Napi::Env env) {
  auto kernels = Napi::Array::New(env);
  for (int i = 0; i < kernel_count(); ++i) {
    const Kernel& k = kernel_at(i);
    auto kernel = Napi::Object::New(env);
    kernel.Set("name", k.name);
    kernel.Set("driver", kDriverNames[static_cast<int>(k.driver)]);
    kernel.Set("inputs", k.inputs);
    auto grads = Napi::Array::New(env);
    for (int g = 0; g < k.grads; ++g) grads.Set(static_cast<uint32_t>(g), k.grad_of[g]);
    kernel.Set("grads", grads);
    kernel.Set("labels", k.labels);
    kernel.Set("params", make_names(env, k.param, k.params));
    kernels.Set(static_cast<uint32_t>(i), kernel);
  }
  return kernels;
}

Napi::Object make_slots(Napi::Env env) {
  auto slots = Napi::Object::New(env);
  for (const NamedSlot& s : kNamedSlots) slots.Set(s.name, static_cast<int>(s.slot));
  return slots;
}

Napi::Value make_frame(Napi::Env env) {
  auto state = std::make_unique<Environment>();
  auto frame = Napi::Float64Array::New(env, kSlots);
  state->frame = frame.Data();
  check(napi_create_reference(env, frame, 1, &state->frame_array), "frame");
  const auto drop = [](napi_env e, void* data, void*) {
    const std::unique_ptr<Environment> held(static_cast<Environment*>(data));
    napi_delete_reference(e, held->frame_array);
  };
  check(napi_set_instance_data(env, state.get(), drop, nullptr), "instance data");
  state.release();
  return frame;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("frame", make_frame(env));
  exports.Set("slots", make_slots(env));
  exports.Set("kernels", make_kernels(env));
  exports.Set("dtypes", make_names(env, kDtypeNames, kDtypes));
  auto statuses = make_names(env, kStatusNames, kStatuses);
  statuses.Set(static_cast<uint32_t>(kStatusOverlap), "overlap");
  exports.Set("statuses", statuses);
  define_run_functions(env, exports);
  define_state_functions(env, exports);
  define_memory_functions(env, exports);
  define_cuda_functions(env, exports);
  export_function<info>(env, exports, "info");
  export_function<set_threads>(env, exports, "setThreads");
  export_function<set_isa>(env, exports, "setIsa");
  return exports;
}

}  // namespace
}  // namespace losskit

Napi::Object losskit_init(Napi::Env env, Napi::Object exports) { return losskit::init(env, exports); }

NODE_API_MODULE(losskit, losskit_init)
