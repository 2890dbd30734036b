// Whether the arrays of a call have the sizes that its driver will walk.
#pragma once

#include "cpu/catalogue.h"

namespace losskit {

/** Throws a ContractError if they have not. Every rule here is one that keeps a kernel within its memory. */
void check_shape(const Call& call, const Kernel& kernel);

}  // namespace losskit
