#define LOSSKIT_ISA scalar
#include "simd/scalar.h"
#include "test/math_functions_of_isa.h"
