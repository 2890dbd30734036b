#define LOSSKIT_ISA neon
#include "simd/neon.h"
#include "test/math_functions_of_isa.h"
