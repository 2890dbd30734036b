// Running the blocks of a grid, one after the other, on the thread that asks for it.
#pragma once

#include <stddef.h>

namespace losskit::emulated {

struct Grid {
  unsigned blocks, threads;
  size_t dynamic_shared;
};

constexpr unsigned kMostThreads = 1024;
constexpr size_t kMostShared = 227 << 10;

/** Calls the function with its argument once for each thread. Threads of a block take turns at barriers and
 * meetings. Gives the error that a device would: threads that wait for each other forever are a launch
 * failure. */
int run_grid(const Grid& grid, void (*function)(void*), void* argument);

}  // namespace losskit::emulated
