#define LOSSKIT_ISA avx512
#include "simd/avx512.h"
#include "cpu/table.h"
