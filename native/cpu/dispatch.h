// Which instruction set runs: the best this machine has, unless LOSSKIT_ISA or a test names another of those
// it has.
#pragma once

#include <string>
#include <vector>

#include "cpu/catalogue.h"

namespace losskit {

/** The entry of a kernel, for arithmetic in T. */
template <class T>
const KernelEntry<T>& active_entry(const Kernel& kernel);

const char* active_isa();

/** Names of the instruction sets this machine can run, best first. */
std::vector<std::string> available_isas();

/** False if this machine or this build does not have it. */
bool choose_isa(const std::string& name);

}  // namespace losskit
