// Prints a hash of what the elementary functions and every loss of the catalogue compute on fixed inputs, for
// each instruction set of this machine and for one thread and several. Exits with 1 if two of them differ.
// The hashes of two machines are to be equal, too.
//
//   bits [instruction set [threads]]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "test/batch.h"
#include "test/math_functions.h"

namespace losskit {
namespace {

constexpr size_t kFunctionInputs = 1 << 20;

template <class T, class F>
void hash_function(F apply, MathFunction f, Hash& hash) {
  const std::vector<T> x = make_numbers<T>(Numbers::any, static_cast<uint64_t>(f) + 1, kFunctionInputs);
  std::vector<T> y(x.size());
  apply(f, x.data(), y.data(), x.size());
  for (T v : y) hash.number(v);
}

template <class T, class F>
void hash_function2(F apply, MathFunction2 f, Hash& hash) {
  const auto seed = static_cast<uint64_t>(f) + 101;
  const std::vector<T> a = make_numbers<T>(Numbers::any, seed, kFunctionInputs);
  const std::vector<T> b = make_numbers<T>(Numbers::any, seed + 100, kFunctionInputs);
  std::vector<T> y(a.size());
  // Each kind of a with each kind of b: any bits, everyday numbers, the unit interval.
  for (size_t shift = 0; shift < 3; ++shift) {
    apply(f, a.data(), b.data() + shift, y.data(), y.size() - shift);
    for (size_t i = 0; i < y.size() - shift; ++i) hash.number(y[i]);
  }
}

/** With gradients and without; whether the kernel took the inputs. */
template <class T>
bool hash_batch(int kernel, const Sizes& sizes, Numbers first, Numbers rest, Extras extras, Hash& hash) {
  Batch<T> batch(kernel, sizes, first, rest, extras);
  if (batch.hash_into(hash) != Status::ok) return false;
  batch.drop_gradients();
  batch.hash_into(hash);
  return true;
}

constexpr Numbers kFamilies[][2] = {{Numbers::any, Numbers::any},
                                    {Numbers::any, Numbers::unit},
                                    {Numbers::any, Numbers::signs},
                                    {Numbers::unit, Numbers::unit},
                                    {Numbers::bits, Numbers::bits}};

/** False if the kernel took nothing. */
template <class T>
bool hash_kernel(int index, Hash& hash) {
  const Kernel& kernel = kernel_at(index);
  bool took = false;
  for (const auto& [first, rest] : kFamilies) {
    for (const Sizes& sizes : sizes_of(kernel.driver)) {
      took |= hash_batch<T>(index, sizes, first, rest, Extras::none, hash);
      took |= hash_batch<T>(index, sizes, first, rest, Extras::all, hash);
      if (kernel.distributions) hash_batch<T>(index, sizes, first, rest, Extras::distributions, hash);
    }
  }
  if (!took) std::fprintf(stderr, "%s takes none of the inputs that are tried\n", kernel.name);
  return took;
}

uint64_t hash_everything(const std::string& isa, int threads, bool& complete) {
  Hash hash;
  const MathTable& math = math_functions(isa.c_str());
  for (int i = 0; i < kMathFunctions; ++i) {
    hash_function<float>(math.f32, static_cast<MathFunction>(i), hash);
    hash_function<double>(math.f64, static_cast<MathFunction>(i), hash);
  }
  for (int i = 0; i < kMathFunctions2; ++i) {
    hash_function2<float>(math.f32_2, static_cast<MathFunction2>(i), hash);
    hash_function2<double>(math.f64_2, static_cast<MathFunction2>(i), hash);
  }
  choose_isa(isa);
  set_thread_count(threads);
  for (int kernel = 0; kernel < kernel_count(); ++kernel) {
    complete &= hash_kernel<float>(kernel, hash);
    complete &= hash_kernel<double>(kernel, hash);
  }
  return hash.state;
}

/** All instruction sets and numbers of threads, or those that are named. */
int compare(const std::vector<std::string>& isas, const std::vector<int>& thread_counts) {
  uint64_t first = 0;
  bool differ = false, complete = true;
  for (const std::string& isa : isas) {
    for (int threads : thread_counts) {
      const uint64_t hash = hash_everything(isa, threads, complete);
      std::printf("%-8s %d %-8s %016llx\n", isa.c_str(), threads, threads == 1 ? "thread" : "threads",
                  static_cast<unsigned long long>(hash));
      if (first == 0) first = hash;
      differ |= hash != first;
    }
  }
  return first == 0 || differ || !complete ? 1 : 0;
}

}  // namespace
}  // namespace losskit

int main(int count, char** arguments) {
  return losskit::compare(count > 1 ? std::vector<std::string>{arguments[1]} : losskit::available_isas(),
                          count > 2 ? std::vector<int>{std::atoi(arguments[2])} : std::vector<int>{1, 3});
}
