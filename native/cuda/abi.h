// What the addon and the CUDA library say to each other: plain data and a table of functions.
//
// The library is a shared one of its own, opened by path at run time and never closed, so that the addon runs
// where there is no CUDA. Nothing crosses but what stands here: no exceptions, no classes, no memory that one
// side allocates and the other frees by itself. Numbers of devices, streams and events are those of the CUDA
// runtime inside the library, seen from outside as integers and opaque pointers.
#pragma once

#include <stdint.h>

#include "cpu/run.h"

namespace losskit::cuda {

/** Raised whenever anything below, or a Job, changes its meaning. */
constexpr uint32_t kAbi = 3;

/** A cudaError_t, or kCublasCodes + a cublasStatus_t; 0 is success. */
using Code = int;
constexpr Code kOutOfMemory = 2, kInsufficientDriver = 35, kNoDevice = 100, kNotReady = 600;
constexpr Code kCublasCodes = 1'000'000;

struct DriverStatus {
  Code code;    // of asking for the number of devices
  int driver;   // the newest CUDA that the driver knows, as 1000 major + 10 minor; 0: there is no driver
  int runtime;  // the CUDA of the library
  int devices;
};

struct DeviceInfo {
  char name[256];
  uint8_t uuid[16];
  uint64_t bytes;
  int major, minor;  // compute capability
  int processors;    // streaming multiprocessors
};

struct MemoryInfo {
  uint64_t free, total;     // of the device
  uint64_t used, reserved;  // of losskit's pool on it
};

/** A cudaIpcMemHandle_t. */
struct IpcHandle {
  uint8_t bytes[64];
};

using Stream = struct OpaqueStream*;
using Event = struct OpaqueEvent*;

/** All functions may be called from any thread; each makes its device the thread's own first. */
struct Library {
  uint32_t abi;
  uint32_t job_bytes;  // sizeof(Job): whether both sides were built of one source

  /** Asks the driver; may be slow the first time, never fails. */
  void (*status)(DriverStatus*);
  Code (*describe)(int device, DeviceInfo*);
  /** "cudaErrorMemoryAllocation", and what it means. */
  const char* (*name_of)(Code);
  const char* (*text_of)(Code);

  // Streams, which do not wait for the legacy default stream, and events, whose waiters sleep.
  Code (*create_stream)(int device, Stream*);
  Code (*destroy_stream)(int device, Stream);
  Code (*create_event)(int device, Event*);
  Code (*destroy_event)(int device, Event);
  Code (*record)(int device, Event, Stream);
  /** What is put into the stream from now on waits for the event. */
  Code (*wait)(int device, Stream, Event);
  /** 0 when all before the event is done, kNotReady while it is not, else what went wrong. */
  Code (*query)(int device, Event);
  /** Sleeps until the event has happened or something went wrong. */
  Code (*synchronize)(int device, Event);

  // Memory. `allocate` takes from the pool of the device in the order of the stream; `release` may be called
  // while work on the memory is still queued in that stream.
  Code (*allocate)(int device, Stream, uint64_t bytes, void** memory);
  Code (*release)(int device, Stream, void* memory);
  /** Outside the pool, as other processes can map it. */
  Code (*allocate_shared)(int device, uint64_t bytes, void** memory);
  Code (*release_shared)(int device, void* memory);
  Code (*allocate_pinned)(uint64_t bytes, void** memory);
  Code (*release_pinned)(void* memory);
  /** Between any two places the runtime knows, in the order of the stream. The host's side should be pinned.
   */
  Code (*copy)(int device, Stream, void* to, const void* from, uint64_t bytes);
  Code (*memory)(int device, MemoryInfo*);
  /** Gives what the pool does not use back to the device. */
  Code (*trim)(int device);
  /** The device a pointer belongs to; -1 if it belongs to none. */
  Code (*device_of)(const void* memory, int* device);

  // Memory of other processes.
  Code (*export_memory)(int device, void* memory, IpcHandle*, uint64_t* offset);
  Code (*import_memory)(int device, const IpcHandle*, void** memory);
  Code (*close_memory)(int device, void* memory);

  // Losses. The tensors of the job lie on the device, and stay as they are until the stream is done with
  // them.
  /** Opens cuBLASLt, which jobs with Matmul::cublas need open; once for the process, whatever the path of a
   * later call. False where it could not, and why in a string of at most so many bytes. */
  bool (*open_cublas)(const char* path, char* why, uint64_t bytes);
  /** Bytes of device memory that `run` writes its result into, and of such as it needs on the way. */
  uint64_t (*outcome_bytes)(const Job*);
  uint64_t (*scratch_bytes)(const Job*);
  /** Puts the job into the stream, and returns. */
  Code (*run)(int device, Stream, const Job*, void* outcome, void* scratch);
  /** From the bytes of an outcome, copied to the host. */
  void (*read_float)(const void* outcome, Sums<float>*);
  void (*read_double)(const void* outcome, Sums<double>*);
};

}  // namespace losskit::cuda

/** The only symbol that the library exports. */
extern "C" const losskit::cuda::Library* losskit_cuda_library();
