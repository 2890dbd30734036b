#define LOSSKIT_ISA avx2
#include "simd/avx2.h"
#include "cpu/table.h"
