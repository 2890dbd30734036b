#include "cuda/emulated/allocations.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

namespace losskit::emulated {
namespace {

constexpr size_t kMargin = 256, kMostKeptBytes = 64 << 20, kMostKept = 1 << 12;
constexpr int kFresh = 0xff, kBeside = 0xa5, kFreed = 0xdb;

/** What was freed last is kept from use, so that whoever still uses it is found out. */
struct Freed {
  char* base;
  size_t bytes;
  bool mapped;  // only its place is remembered
};

/** Never destroyed, as the threads of streams outlive the end of the program. */
struct Table {
  std::mutex mutex;
  std::map<char*, Allocation> live;
  std::deque<Freed> freed;
  size_t kept = 0;

  /** The oldest of what was freed, until the rest is little enough. */
  void forget() {
    while (kept > kMostKeptBytes || freed.size() > kMostKept) {
      const Freed oldest = freed.front();
      freed.pop_front();
      if (oldest.mapped) continue;
      kept -= oldest.bytes;
      free(oldest.base - kMargin);
    }
  }

  static Table& get() {
    static auto& table = *new Table;
    return table;
  }
};

size_t rounded(size_t bytes) { return (bytes + kMargin - 1) / kMargin * kMargin; }

bool is_mapped(Kind kind) { return kind == Kind::plain || kind == Kind::imported; }

bool has_margins(const Allocation& a) {
  const auto untouched = [](const char* from, const char* to) {
    return std::all_of(from, to, [](char byte) { return byte == static_cast<char>(kBeside); });
  };
  return untouched(a.base - kMargin, a.base) &&
         untouched(a.base + a.bytes, a.base + rounded(a.bytes) + kMargin);
}

bool map_file(Allocation& a) {
  a.file = memfd_create("losskit-emulated", MFD_CLOEXEC);
  if (a.file < 0) return false;
  void* memory = MAP_FAILED;
  if (ftruncate(a.file, static_cast<off_t>(a.bytes)) == 0) {
    memory = mmap(nullptr, a.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, a.file, 0);
  }
  if (memory == MAP_FAILED) {
    close(a.file);
    return false;
  }
  a.base = static_cast<char*>(memory);
  return true;
}

std::map<char*, Allocation>::iterator holder(Table& table, const void* at) {
  const auto after = table.live.upper_bound(static_cast<char*>(const_cast<void*>(at)));
  if (after == table.live.begin()) return table.live.end();
  const auto found = std::prev(after);
  return at < found->first + found->second.bytes ? found : table.live.end();
}

}  // namespace

bool allocate(Allocation& a) {
  if (a.kind == Kind::plain) {
    if (!map_file(a)) return false;
  } else {
    void* memory = aligned_alloc(kMargin, rounded(a.bytes) + 2 * kMargin);
    if (memory == nullptr) return false;
    a.base = static_cast<char*>(memory) + kMargin;
    memset(a.base - kMargin, kBeside, kMargin);
    memset(a.base + a.bytes, kBeside, rounded(a.bytes) - a.bytes + kMargin);
  }
  memset(a.base, kFresh, a.bytes);
  adopt(a);
  return true;
}

void adopt(const Allocation& a) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  // A mapping may come to lie where a freed one was.
  std::erase_if(table.freed,
                [&](const Freed& f) { return f.base < a.base + a.bytes && a.base < f.base + f.bytes; });
  table.live.emplace(a.base, a);
}

bool release(void* base) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  const auto found = table.live.find(static_cast<char*>(base));
  if (found == table.live.end()) return false;
  const Allocation a = found->second;
  table.live.erase(found);
  const bool mapped = is_mapped(a.kind);
  bool intact = true;
  if (mapped) {
    munmap(a.base, a.bytes);
    if (a.file >= 0) close(a.file);
  } else {
    intact = has_margins(a);
    memset(a.base, kFreed, a.bytes);
    table.kept += a.bytes;
  }
  table.freed.push_back({a.base, a.bytes, mapped});
  table.forget();
  return intact;
}

Standing look_up(const void* at, size_t bytes, Allocation* allocation) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  if (const auto found = holder(table, at); found != table.live.end()) {
    *allocation = found->second;
    const auto offset = static_cast<size_t>(static_cast<const char*>(at) - found->first);
    return bytes <= found->second.bytes - offset ? Standing::live : Standing::wrong;
  }
  for (const Freed& f : table.freed) {
    if (at >= f.base && at < f.base + f.bytes) return Standing::wrong;
  }
  return Standing::unknown;
}

bool change(void* base, Kind kind, const std::function<bool(Allocation&)>& change) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  const auto found = table.live.find(static_cast<char*>(base));
  return found != table.live.end() && found->second.kind == kind && change(found->second);
}

void* reopen(uint64_t name) {
  Table& table = Table::get();
  const std::lock_guard lock(table.mutex);
  for (auto& [base, a] : table.live) {
    if (a.kind == Kind::imported && a.name == name) {
      a.opened++;
      return base;
    }
  }
  return nullptr;
}

}  // namespace losskit::emulated
