// The memory that the emulated runtime has given out. It knows what was freed, and what was written beside
// it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <functional>

namespace losskit::emulated {

enum class Kind { plain, pool, pinned, imported };

struct Allocation {
  Kind kind;
  int device;
  char* base;
  size_t bytes;
  int file = -1;           // of a plain one, which other processes can map
  uint64_t name = 0;       // of a plain or imported one, over all processes
  int opened = 1;          // how often an imported one was
  bool releasing = false;  // its release is in a stream
};

/** The bytes are all ones, which as numbers are NaN. False when the system has no memory. */
bool allocate(Allocation& allocation);

/** Registers memory that another process allocated. */
void adopt(const Allocation& allocation);

/** Overwrites the memory and gives it back; false if something wrote beside it. */
bool release(void* base);

/** Of a range of addresses: not from here, within an allocation, or freed or only partly within one. */
enum class Standing { unknown, live, wrong };

/** Copies the allocation that the range begins in to `found`, if there is one. */
Standing look_up(const void* at, size_t bytes, Allocation* found);

/** Lets `change` change an allocation that begins here and is of this kind; false when there is none. */
bool change(void* base, Kind kind, const std::function<bool(Allocation&)>& change);

/** The memory of another process that has been opened already; null if there is none of the name. */
void* reopen(uint64_t name);

}  // namespace losskit::emulated
