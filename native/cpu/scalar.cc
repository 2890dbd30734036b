#define LOSSKIT_ISA scalar
#include "simd/scalar.h"
#include "cpu/table.h"
