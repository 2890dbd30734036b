#include "cpu/dispatch.h"

#include <atomic>
#include <cstdlib>

#if defined(__x86_64__) || defined(_M_X64)
#define LOSSKIT_X86 1
#include "cpu/x86_features.h"
#endif

namespace losskit {

#if defined(LOSSKIT_X86)
namespace avx512 {
extern const KernelTable kernels;
}
namespace avx2 {
extern const KernelTable kernels;
}
#elif defined(__aarch64__) || defined(_M_ARM64)
#define LOSSKIT_ARM64 1
namespace neon {
extern const KernelTable kernels;
}
#endif
namespace scalar {
extern const KernelTable kernels;
}

namespace {

std::vector<const KernelTable*> available() {
  std::vector<const KernelTable*> tables;
#if defined(LOSSKIT_X86)
  if (x86::has_avx512()) tables.push_back(&avx512::kernels);
  if (x86::has_avx2()) tables.push_back(&avx2::kernels);
#elif defined(LOSSKIT_ARM64)
  tables.push_back(&neon::kernels);
#endif
  tables.push_back(&scalar::kernels);
  return tables;
}

const KernelTable* find(const std::string& name) {
  for (const KernelTable* table : available()) {
    if (name == table->isa) return table;
  }
  return nullptr;
}

const KernelTable* initial() {
  const char* wanted = std::getenv("LOSSKIT_ISA");
  const KernelTable* table = wanted != nullptr ? find(wanted) : nullptr;
  return table != nullptr ? table : available().front();
}

std::atomic<const KernelTable*>& active() {
  static std::atomic<const KernelTable*> table{initial()};
  return table;
}

}  // namespace

template <>
const KernelEntry<float>& active_entry(const Kernel& kernel) {
  return active().load(std::memory_order_relaxed)->of[static_cast<int>(kernel.driver)]->f32[kernel.index];
}
template <>
const KernelEntry<double>& active_entry(const Kernel& kernel) {
  return active().load(std::memory_order_relaxed)->of[static_cast<int>(kernel.driver)]->f64[kernel.index];
}

const char* active_isa() { return active().load(std::memory_order_relaxed)->isa; }

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const KernelTable* table : available()) names.emplace_back(table->isa);
  return names;
}

bool choose_isa(const std::string& name) {
  const KernelTable* table = find(name);
  if (table != nullptr) active().store(table, std::memory_order_relaxed);
  return table != nullptr;
}

}  // namespace losskit
