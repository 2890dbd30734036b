#include "cuda/emulated/environment.h"

#include <stdlib.h>
#include <string.h>

namespace losskit::emulated {
namespace {

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text == nullptr || *text == 0 ? otherwise : strtoull(text, nullptr, 10);
}

bool is(const char* name, const char* value) {
  const char* text = getenv(name);
  return text != nullptr && strcmp(text, value) == 0;
}

/** <code>@<n>; the first where nothing is said. */
void read_fault(const char* name, int& fault, uint64_t& at) {
  const char* text = getenv(name);
  if (text == nullptr) return;
  char* end = nullptr;
  fault = static_cast<int>(strtol(text, &end, 10));
  at = *end == '@' ? strtoull(end + 1, nullptr, 10) : 1;
}

Environment read() {
  Environment e{};
  e.driver = static_cast<int>(number("LOSSKIT_EMULATED_DRIVER", 13000));
  e.devices = static_cast<int>(number("LOSSKIT_EMULATED_DEVICES", 1));
  e.memory = number("LOSSKIT_EMULATED_MEMORY", uint64_t{8} << 30);
  e.processors = static_cast<int>(number("LOSSKIT_EMULATED_PROCESSORS", 4));
  e.generation = static_cast<int>(number("LOSSKIT_EMULATED_GENERATION", 9));
  e.delay = number("LOSSKIT_EMULATED_DELAY", 0);
  e.backwards = is("LOSSKIT_EMULATED_ORDER", "backwards");
  read_fault("LOSSKIT_EMULATED_FAIL", e.fault, e.fault_at);
  read_fault("LOSSKIT_EMULATED_CUBLAS_FAIL", e.cublas_fault, e.cublas_fault_at);
  return e;
}

}  // namespace

const Environment& environment() {
  static const Environment read_once = read();
  return read_once;
}

}  // namespace losskit::emulated
