// The functions of the table that do not know of losses: devices, streams, events and memory, over the CUDA
// runtime.
#pragma once

#include "cuda/abi.h"

namespace losskit::cuda {

void status(DriverStatus* status);
Code describe(int device, DeviceInfo* info);
const char* name_of(Code code);
const char* text_of(Code code);

Code create_stream(int device, Stream* stream);
Code destroy_stream(int device, Stream stream);
Code create_event(int device, Event* event);
Code destroy_event(int device, Event event);
Code record(int device, Event event, Stream stream);
Code wait(int device, Stream stream, Event event);
Code query(int device, Event event);
Code synchronize(int device, Event event);

Code allocate(int device, Stream stream, uint64_t bytes, void** memory);
Code release(int device, Stream stream, void* memory);
Code allocate_shared(int device, uint64_t bytes, void** memory);
Code release_shared(int device, void* memory);
Code allocate_pinned(uint64_t bytes, void** memory);
Code release_pinned(void* memory);
Code copy(int device, Stream stream, void* to, const void* from, uint64_t bytes);
Code memory(int device, MemoryInfo* info);
Code trim(int device);
Code device_of(const void* memory, int* device);

Code export_memory(int device, void* memory, IpcHandle* handle, uint64_t* offset);
Code import_memory(int device, const IpcHandle* handle, void** memory);
Code close_memory(int device, void* memory);

}  // namespace losskit::cuda
