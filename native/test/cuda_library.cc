// Uses a CUDA library as the addon does, through its table alone. cuda_library <path> <what to do>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "cuda/abi.h"

namespace losskit::cuda {
namespace {

const Library* library;

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void say(const char* what, Code code) { printf("%s: %d %s\n", what, code, library->name_of(code)); }

/** What goes wrong here would make the rest meaningless. */
void must(const char* what, Code code) {
  if (code == 0) return;
  say(what, code);
  exit(1);
}

/** A stream of device 0 with an event, and what is usually done with them. */
struct Work {
  Stream stream = nullptr;
  Event event = nullptr;

  Work() {
    must("create_stream", library->create_stream(0, &stream));
    must("create_event", library->create_event(0, &event));
  }
  ~Work() {
    library->destroy_event(0, event);
    library->destroy_stream(0, stream);
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void* allocate(uint64_t bytes) {
    void* memory = nullptr;
    must("allocate", library->allocate(0, stream, bytes, &memory));
    return memory;
  }
  Code finish() {
    const Code code = library->record(0, event, stream);
    return code != 0 ? code : library->synchronize(0, event);
  }
};

void* pinned(uint64_t bytes) {
  void* memory = nullptr;
  must("allocate_pinned", library->allocate_pinned(bytes, &memory));
  return memory;
}

/** How long the first question takes, of which a program without CUDA should notice nothing. */
void status() {
  const auto begin = std::chrono::steady_clock::now();
  DriverStatus status;
  library->status(&status);
  const double took = milliseconds_since(begin);
  printf("code %d, driver %d, runtime %d, devices %d\n", status.code, status.driver, status.runtime,
         status.devices);
  printf("milliseconds %.3f\n", took);
  Stream stream = nullptr;
  say("create_stream", library->create_stream(0, &stream));
  void* memory = nullptr;
  say("allocate_pinned", library->allocate_pinned(64, &memory));
  say("allocate_shared", library->allocate_shared(0, 64, &memory));
}

void describe() {
  DriverStatus status;
  library->status(&status);
  for (int i = 0; i <= status.devices; i++) {
    DeviceInfo info;
    const Code code = library->describe(i, &info);
    if (code == 0) printf("%s, %llu bytes\n", info.name, static_cast<unsigned long long>(info.bytes));
    if (code != 0) say("describe", code);
  }
}

void round_trip() {
  Work work;
  constexpr uint64_t kBytes = 1 << 20;
  char* host = static_cast<char*>(pinned(kBytes));
  void *there = work.allocate(kBytes), *copy = work.allocate(kBytes);
  for (uint64_t i = 0; i < kBytes; i++) host[i] = static_cast<char>(i * 7);
  must("copy to", library->copy(0, work.stream, there, host, kBytes));
  must("copy within", library->copy(0, work.stream, copy, there, kBytes));
  must("finish", work.finish());
  memset(host, 0, kBytes);
  must("copy from", library->copy(0, work.stream, host, copy, kBytes));
  // Released while the copy may still be queued.
  must("release", library->release(0, work.stream, copy));
  must("release", library->release(0, work.stream, there));
  must("finish", work.finish());
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < kBytes; i++) wrong += host[i] != static_cast<char>(i * 7);
  printf("%llu bytes differ\n", static_cast<unsigned long long>(wrong));
  int device = 0;
  must("device_of", library->device_of(host, &device));
  printf("pinned memory is of device %d\n", device);
  say("release_pinned", library->release_pinned(host));
}

/** A second stream waits for the first by an event; queries do not. */
void order() {
  Work first, second;
  char* host = static_cast<char*>(pinned(2));
  void* there = first.allocate(1);
  host[0] = 42;
  must("copy", library->copy(0, first.stream, there, host, 1));
  must("record", library->record(0, first.event, first.stream));
  const bool early = library->query(0, first.event) == kNotReady;
  must("wait", library->wait(0, second.stream, first.event));
  must("copy", library->copy(0, second.stream, host + 1, there, 1));
  must("finish", second.finish());
  printf("%s, then %d, and the byte is %d\n", early ? "not ready" : "ready", library->query(0, first.event),
         host[1]);
}

void pool() {
  Work work;
  MemoryInfo info;
  const auto report = [&](const char* when) {
    must("memory", library->memory(0, &info));
    printf("%s: %llu used, %llu reserved, %llu free\n", when, static_cast<unsigned long long>(info.used),
           static_cast<unsigned long long>(info.reserved), static_cast<unsigned long long>(info.free));
  };
  report("before");
  void* memory = work.allocate(1000);
  report("allocated");
  void* more = nullptr;
  say("allocate too much", library->allocate(0, work.stream, info.total, &more));
  must("release", library->release(0, work.stream, memory));
  say("release twice", library->release(0, work.stream, memory));
  must("finish", work.finish());
  report("released");
  must("trim", library->trim(0));
  report("trimmed");
}

void misuse() {
  Work work;
  char* host = static_cast<char*>(pinned(64));
  void* memory = work.allocate(64);
  say("beyond the end", library->copy(0, work.stream, memory, host, 65));
  must("release", library->release(0, work.stream, memory));
  say("after the release", library->copy(0, work.stream, memory, host, 64));
  must("destroy_event", library->destroy_event(0, work.event));
  say("with a destroyed event", library->record(0, work.event, work.stream));
  say("on another device", library->copy(1, work.stream, host, host, 64));
}

/** Writes beside the memory, as a kernel could. */
void overrun() {
  Work work;
  char* memory = static_cast<char*>(work.allocate(100));
  memory[100] = 1;
  must("release", library->release(0, work.stream, memory));
  say("finish", work.finish());
}

/** Three copies, with the code of each and of what follows. */
void fault() {
  Work work;
  char* host = static_cast<char*>(pinned(64));
  void* memory = work.allocate(64);
  for (int i = 1; i <= 3; i++) {
    say("copy", library->copy(0, work.stream, memory, host, 64));
    say("finish", work.finish());
  }
}

/** Another process maps the memory, reads what is there and writes into it. */
void share(const char* self, const char* path) {
  constexpr uint64_t kOffset = 4096;
  Work work;
  char* host = static_cast<char*>(pinned(64));
  void* memory = nullptr;
  must("allocate_shared", library->allocate_shared(0, 1 << 16, &memory));
  char* part = static_cast<char*>(memory) + kOffset;
  strcpy(host, "from the first");
  must("copy", library->copy(0, work.stream, part, host, 64));
  must("finish", work.finish());
  IpcHandle handle;
  uint64_t offset = 0;
  must("export_memory", library->export_memory(0, part, &handle, &offset));
  void* own = nullptr;
  say("in the same process", library->import_memory(0, &handle, &own));
  std::string text;
  for (const uint8_t byte : handle.bytes) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  fflush(stdout);
  const std::string place = std::to_string(offset);
  const pid_t child = fork();
  if (child == 0) execl(self, self, path, "map", text.c_str(), place.c_str(), nullptr);
  waitpid(child, nullptr, 0);
  must("copy", library->copy(0, work.stream, host, part, 64));
  must("finish", work.finish());
  printf("the first reads: %s\n", host);
  say("release_shared", library->release_shared(0, memory));
  say("export what is released", library->export_memory(0, part, &handle, &offset));
}

void map(const char* text, const char* offset) {
  IpcHandle handle;
  for (size_t i = 0; i < sizeof(handle.bytes); i++) {
    handle.bytes[i] = static_cast<uint8_t>(strtoul(std::string(text + 2 * i, 2).c_str(), nullptr, 16));
  }
  Work work;
  char* host = static_cast<char*>(pinned(64));
  void *memory = nullptr, *again = nullptr;
  must("import_memory", library->import_memory(0, &handle, &memory));
  must("import_memory", library->import_memory(0, &handle, &again));
  printf("mapped twice at %s\n", memory == again ? "one place" : "two places");
  char* part = static_cast<char*>(memory) + strtoul(offset, nullptr, 10);
  must("copy", library->copy(0, work.stream, host, part, 64));
  must("finish", work.finish());
  printf("the second reads: %s\n", host);
  strcpy(host, "from the second");
  must("copy", library->copy(0, work.stream, part, host, 64));
  must("finish", work.finish());
  must("close_memory", library->close_memory(0, memory));
  must("close_memory", library->close_memory(0, memory));
  say("closed more often than opened", library->close_memory(0, memory));
}

/** Streams of many threads at once. */
void crowd() {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; t++) {
    threads.emplace_back([t] {
      for (int i = 0; i < 20; i++) {
        Work work;
        char* host = static_cast<char*>(pinned(256));
        memset(host, t, 128);
        void* memory = work.allocate(128);
        must("copy", library->copy(0, work.stream, memory, host, 128));
        must("copy", library->copy(0, work.stream, host + 128, memory, 128));
        must("release", library->release(0, work.stream, memory));
        must("finish", work.finish());
        if (memcmp(host, host + 128, 128) != 0) printf("wrong bytes\n");
        must("release_pinned", library->release_pinned(host));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  MemoryInfo info;
  must("memory", library->memory(0, &info));
  printf("%llu bytes left\n", static_cast<unsigned long long>(info.used));
}

int main(int count, char** arguments) {
  if (count < 3) return 2;
  const std::string what = arguments[2];
  const auto begin = std::chrono::steady_clock::now();
  void* opened = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    printf("%s\n", dlerror());
    return 1;
  }
  using Table = const Library* (*)();
  library = reinterpret_cast<Table>(dlsym(opened, "losskit_cuda_library"))();
  if (library->abi != kAbi || library->job_bytes != sizeof(Job)) return 1;
  if (what == "status") printf("opened in %.3f\n", milliseconds_since(begin));
  if (what == "status") status();
  if (what == "describe") describe();
  if (what == "round trip") round_trip();
  if (what == "order") order();
  if (what == "pool") pool();
  if (what == "misuse") misuse();
  if (what == "overrun") overrun();
  if (what == "fault") fault();
  if (what == "share") share(arguments[0], arguments[1]);
  if (what == "map" && count == 5) map(arguments[3], arguments[4]);
  if (what == "crowd") crowd();
  return 0;
}

}  // namespace
}  // namespace losskit::cuda

int main(int count, char** arguments) { return losskit::cuda::main(count, arguments); }
