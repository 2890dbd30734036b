#include "addon/cuda/functions.h"

#include <stdio.h>
#include <string.h>

#include "addon/cuda/calls.h"
#include "addon/cuda/copies.h"
#include "addon/cuda/objects.h"
#include "addon/cuda/pinned.h"
#include "addon/cuda/run_device.h"

namespace losskit {
namespace {

/** A failed call of the library is an error with its code in `cuda`, and the bytes it was about in
 * `requested`.
 */
void throw_failure(napi_env env, const CudaFailure& failure) {
  napi_value error, code, message;
  const std::string text = std::string(failure.doing) + " failed";
  check(napi_create_string_utf8(env, "ERR_CUDA", NAPI_AUTO_LENGTH, &code), "error");
  check(napi_create_string_utf8(env, text.data(), text.size(), &message), "error");
  check(napi_create_error(env, code, message, &error), "error");
  check(napi_set_named_property(env, error, "cuda", make_number(env, failure.code)), "error");
  const napi_value requested = make_number(env, static_cast<double>(failure.requested));
  check(napi_set_named_property(env, error, "requested", requested), "error");
  napi_throw(env, error);
}

template <Callback callback>
napi_value opened(napi_env env, napi_callback_info info) {
  require(cuda_library() != nullptr, "the CUDA library is not open");
  try {
    return callback(env, info);
  } catch (const CudaFailure& failure) {
    throw_failure(env, failure);
    return nullptr;
  }
}

CudaDevice& read_device(napi_env env, napi_value value) {
  const double index = read_number(env, value, "device");
  require(index >= 0 && index < 64, "device");
  return cuda_device(static_cast<int>(index));
}

uint64_t read_size(napi_env env, napi_value value, const char* what) {
  const double size = read_number(env, value, what);
  require(size >= 0 && size <= 0x1p53, what);
  return static_cast<uint64_t>(size);
}

napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const std::string why_not = open_cuda(read_string(env, arguments.value[0], "path"));
  return why_not.empty() ? make_undefined(env) : make_string(env, why_not);
}

napi_value open_cublas(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  char why[1024];
  const std::string path = read_string(env, arguments.value[0], "path");
  return cuda_library()->open_cublas(path.c_str(), why, sizeof why) ? make_undefined(env)
                                                                    : make_string(env, why);
}

napi_value status(napi_env env, napi_callback_info) {
  cuda::DriverStatus s;
  cuda_library()->status(&s);
  return make_numbers(env, {static_cast<double>(s.code), static_cast<double>(s.driver),
                            static_cast<double>(s.runtime), static_cast<double>(s.devices)});
}

template <const char* (*cuda::Library::*ask)(cuda::Code)>
napi_value text_of(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_string(
      env, (cuda_library()->*ask)(static_cast<cuda::Code>(read_number(env, arguments.value[0], "code"))));
}

/** As nvidia-smi writes it. */
std::string show_uuid(const uint8_t* bytes) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

napi_value describe(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  CudaDevice& device = read_device(env, arguments.value[0]);
  cuda::DeviceInfo i;
  device.succeed(cuda_library()->describe(device.index, &i), "describing the device");
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", std::string(i.name));
  object.Set("uuid", show_uuid(i.uuid));
  object.Set("bytes", static_cast<double>(i.bytes));
  object.Set("computeCapability", std::to_string(i.major) + "." + std::to_string(i.minor));
  object.Set("processors", i.processors);
  return object;
}

napi_value memory(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  CudaDevice& device = read_device(env, arguments.value[0]);
  cuda::MemoryInfo m;
  device.succeed(cuda_library()->memory(device.index, &m), "asking for memory");
  return make_numbers(env,
                      {static_cast<double>(m.free), static_cast<double>(m.total), static_cast<double>(m.used),
                       static_cast<double>(m.reserved), static_cast<double>(device.leaked.load()),
                       static_cast<double>(device.leaked_bytes.load())});
}

napi_value trim(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  CudaDevice& device = read_device(env, arguments.value[0]);
  device.succeed(cuda_library()->trim(device.index), "trimming the pool");
  return make_undefined(env);
}

napi_value lost(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_number(env, read_device(env, arguments.value[0]).lost());
}

// Streams and events.

napi_value default_stream(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_handle(env,
                     std::make_unique<StreamHandle>(read_device(env, arguments.value[0]).default_stream()));
}

napi_value create_stream(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_handle(
      env, std::make_unique<StreamHandle>(CudaStream::create(read_device(env, arguments.value[0]))));
}

napi_value destroy_stream(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  read_handle<StreamHandle>(env, arguments.value[0], "not a stream").stream = {};
  return make_undefined(env);
}

napi_value record(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return make_handle(env, std::make_unique<EventHandle>(*read_stream(env, arguments.value[0])));
}

napi_value wait(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  const EventHandle& event = read_handle<EventHandle>(env, arguments.value[1], "not an event");
  CudaDevice& device = stream->device;
  device.require_alive("waiting for an event");
  device.succeed(cuda_library()->wait(device.index, stream->handle, event.event), "waiting for an event");
  return make_undefined(env);
}

napi_value is_done(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const EventHandle& event = read_handle<EventHandle>(env, arguments.value[0], "not an event");
  const cuda::Code code = cuda_library()->query(event.device.index, event.event);
  if (code != cuda::kNotReady) event.device.succeed(code, "asking for an event");
  return Napi::Boolean::New(env, code == 0);
}

napi_value reached(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  stream->device.require_alive("waiting for a stream");
  return await_stream(env, *stream, std::make_unique<Reached>());
}

// Memory.

napi_value allocate(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  bool is_shared;
  check(napi_get_value_bool(env, arguments.value[2], &is_shared), "shared");
  return make_handle(
      env, std::make_unique<MemoryHandle>(DeviceMemory::allocate(read_stream(env, arguments.value[0]),
                                                                 read_size(env, arguments.value[1], "bytes"),
                                                                 is_shared ? Origin::shared : Origin::pool)));
}

napi_value adopt(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  uint64_t address;
  bool is_whole;
  check(napi_get_value_bigint_uint64(env, arguments.value[1], &address, &is_whole), "pointer");
  require(is_whole, "pointer");
  Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  return make_handle(env, std::make_unique<MemoryHandle>(DeviceMemory(
                              std::move(stream), Origin::foreign, reinterpret_cast<void*>(address), 0,
                              read_size(env, arguments.value[2], "bytes"))));
}

napi_value device_of(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  uint64_t address;
  bool is_whole;
  check(napi_get_value_bigint_uint64(env, arguments.value[0], &address, &is_whole), "pointer");
  int device = -1;
  const cuda::Code code = is_whole ? cuda_library()->device_of(reinterpret_cast<void*>(address), &device) : 0;
  return make_number(env, code == 0 ? device : -1);
}

napi_value release(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  read_handle<MemoryHandle>(env, arguments.value[0], "not device memory").dispose(env);
  return make_undefined(env);
}

napi_value overlap(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const DeviceMemory& a = read_memory(env, arguments.value[0]);
  const DeviceMemory& b = read_memory(env, arguments.value[1]);
  const auto begins_in = [](const DeviceMemory& first, const DeviceMemory& second) {
    const auto at = reinterpret_cast<uintptr_t>(first.data()),
               from = reinterpret_cast<uintptr_t>(second.data());
    return first.bytes() != 0 && at >= from && at - from < second.bytes();
  };
  return Napi::Boolean::New(env, begins_in(a, b) || begins_in(b, a));
}

napi_value upload_array(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  upload(*stream, read_memory(env, arguments.value[1]), read_bytes(env, arguments.value[2]));
  return make_undefined(env);
}

napi_value download_array(napi_env env, napi_callback_info info) {
  const Arguments<3> arguments(env, info);
  const Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  return download(env, *stream, read_memory(env, arguments.value[1]), arguments.value[2]);
}

napi_value allocate_pinned_buffer(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const uint64_t bytes = read_size(env, arguments.value[0], "bytes");
  auto owner = std::make_unique<Ref<PinnedBlock>>(allocate_pinned(bytes == 0 ? 1 : bytes));
  memset((*owner)->data, 0, bytes);
  const auto drop = [](napi_env, void*, void* held) { delete static_cast<Ref<PinnedBlock>*>(held); };
  napi_value buffer;
  check(napi_create_external_arraybuffer(env, (*owner)->data, bytes, drop, owner.get(), &buffer),
        "this runtime has no arrays over memory of others");
  owner.release();
  return buffer;
}

// Memory of other processes.

napi_value export_memory(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  DeviceMemory& memory = read_memory(env, arguments.value[0]);
  require(memory.origin() == Origin::shared && memory.bytes() != 0, "memory that cannot be shared");
  cuda::IpcHandle handle;
  uint64_t offset = 0;
  memory.device().require_alive("sharing memory");
  memory.device().succeed(
      cuda_library()->export_memory(memory.device().index, memory.data(), &handle, &offset),
      "sharing memory");
  napi_value buffer;
  check(napi_create_buffer_copy(env, sizeof handle.bytes, handle.bytes, nullptr, &buffer), "handle");
  Napi::Object object = Napi::Object::New(env);
  object.Set("handle", Napi::Value(env, buffer));
  object.Set("offset", static_cast<double>(offset));
  return object;
}

napi_value import_memory(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  Ref<CudaStream> stream = read_stream(env, arguments.value[0]);
  const Bytes given = read_bytes(env, arguments.value[1]);
  cuda::IpcHandle handle;
  require(given.size == sizeof handle.bytes, "handle");
  memcpy(handle.bytes, given.data, sizeof handle.bytes);
  const uint64_t offset = read_size(env, arguments.value[2], "offset");
  const uint64_t bytes = read_size(env, arguments.value[3], "bytes");
  CudaDevice& device = stream->device;
  device.require_alive("opening memory of another process");
  void* base = nullptr;
  device.succeed(cuda_library()->import_memory(device.index, &handle, &base),
                 "opening memory of another process");
  return make_handle(env, std::make_unique<MemoryHandle>(
                              DeviceMemory(std::move(stream), Origin::imported, base, offset, bytes)));
}

template <Callback callback>
void define(napi_env env, napi_value object, const char* name) {
  export_function<opened<callback>>(env, object, name);
}

}  // namespace

void define_cuda_functions(napi_env env, napi_value exports) {
  napi_value cuda;
  check(napi_create_object(env, &cuda), "cuda");
  export_function<open>(env, cuda, "open");
  define<open_cublas>(env, cuda, "openCublas");
  define<status>(env, cuda, "status");
  define<text_of<&cuda::Library::name_of>>(env, cuda, "nameOf");
  define<text_of<&cuda::Library::text_of>>(env, cuda, "textOf");
  define<describe>(env, cuda, "describe");
  define<memory>(env, cuda, "memory");
  define<trim>(env, cuda, "trim");
  define<lost>(env, cuda, "lost");
  define<default_stream>(env, cuda, "defaultStream");
  define<create_stream>(env, cuda, "createStream");
  define<destroy_stream>(env, cuda, "destroyStream");
  define<record>(env, cuda, "record");
  define<wait>(env, cuda, "wait");
  define<is_done>(env, cuda, "isDone");
  define<reached>(env, cuda, "reached");
  define<allocate>(env, cuda, "allocate");
  define<adopt>(env, cuda, "adopt");
  define<device_of>(env, cuda, "deviceOf");
  define<release>(env, cuda, "release");
  define<overlap>(env, cuda, "overlap");
  define<upload_array>(env, cuda, "upload");
  define<download_array>(env, cuda, "download");
  define<allocate_pinned_buffer>(env, cuda, "allocatePinned");
  define<export_memory>(env, cuda, "exportMemory");
  define<import_memory>(env, cuda, "importMemory");
  define<run_device>(env, cuda, "run");
  define<bind_device>(env, cuda, "bind");
  define<run_bound_device>(env, cuda, "runBound");
  define<read_outcome>(env, cuda, "readOutcome");
  check(napi_set_named_property(env, exports, "cuda", cuda), "cuda");
}

}  // namespace losskit
