// Running the clusters of a grid, one after the other, on the thread that asks for it.
#pragma once

#include "cuda/emulated/api.h"

namespace losskit::emulated {

/** Calls the function with its argument once for each thread. Threads of a cluster take turns at barriers and
 * meetings. Gives the error that a device would: threads that wait for each other forever are a launch
 * failure. */
int run_grid(const Grid& grid, void (*function)(void*), void* argument);

}  // namespace losskit::emulated
