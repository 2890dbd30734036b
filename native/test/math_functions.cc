#include "test/math_functions.h"

#include <string_view>

namespace losskit {

#if defined(__x86_64__) || defined(_M_X64)
namespace avx512 {
extern const MathTable math_table;
}
namespace avx2 {
extern const MathTable math_table;
}
#else
namespace neon {
extern const MathTable math_table;
}
#endif
namespace scalar {
extern const MathTable math_table;
}

const MathTable& math_functions(const char* isa) {
  const std::string_view name = isa;
#if defined(__x86_64__) || defined(_M_X64)
  if (name == "avx512") return avx512::math_table;
  if (name == "avx2") return avx2::math_table;
#else
  if (name == "neon") return neon::math_table;
#endif
  return scalar::math_table;
}

}  // namespace losskit
