// Which instruction set runs: the best this machine has, unless LOSSKIT_ISA or a test names another of those
// it has.
#pragma once

#include <string>
#include <vector>

#include "cpu/call.h"

namespace losskit {

const KernelTable& active_kernels();

/** Names of the instruction sets this machine can run, best first. */
std::vector<std::string> available_isas();

/** False if this machine or this build does not have it. */
bool choose_isa(const std::string& name);

}  // namespace losskit
