// The CUDA library: a file of its own, opened when it is first asked for and never closed.
#pragma once

#include <string>

#include "cuda/abi.h"

namespace losskit {

/** Opens the library, once for the process, whatever the path of a later call. Returns why it could not, or
 * nothing. */
std::string open_cuda(const std::string& path);

/** Null until it is open. */
const cuda::Library* cuda_library();

}  // namespace losskit
