// What the CUDA sources find under this name when a plain C++ compiler makes them: the part of CUDA's
// language and of its runtime that losskit uses, in software, so that everything but the machine itself is
// tested where there is no GPU. A test double: slow, strict about what the language leaves undefined, and
// never shipped.
#pragma once

#include "cuda/emulated/api.h"
#include "cuda/emulated/atomics.h"
#include "cuda/emulated/intrinsics.h"
#include "cuda/emulated/language.h"
#include "cuda/emulated/warp.h"
