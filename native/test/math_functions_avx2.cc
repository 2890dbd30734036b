#define LOSSKIT_ISA avx2
#include "simd/avx2.h"
#include "test/math_functions_of_isa.h"
