#define LOSSKIT_ISA avx512
#include "simd/avx512.h"
#include "test/math_functions_of_isa.h"
