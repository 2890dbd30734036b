#define LOSSKIT_ISA neon
#include "simd/neon.h"
#include "cpu/table.h"
