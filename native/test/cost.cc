// What a kernel costs, apart from Node: for finding what holds it back, and for counting its instructions.
//
//   cost time  <kernel> <float32|float64> <value|grad|both> <rows> <columns> [isa [threads]]
//   cost count <kernel> <float32|float64> <value|grad|both> <rows> <columns> [isa]
//
// `time` prints nanoseconds per number of the first input, best and median of many calls on data that stays
// where it is. `count` makes one call after a first one, inside `measured_call`, where callgrind counts.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "test/batch.h"

namespace losskit {
namespace {

int kernel_named(const char* name) {
  for (int i = 0; i < kernel_count(); ++i) {
    if (std::strcmp(kernel_at(i).name, name) == 0) return i;
  }
  std::fprintf(stderr, "no kernel %s\n", name);
  std::exit(2);
}

/** What the first input of a loss is likely to hold. */
Numbers first_of(const char* kernel) {
  return std::strcmp(kernel, "bce") == 0 ? Numbers::unit : Numbers::normal;
}

/** What the later inputs of a loss are likely to hold. */
Numbers rest_of(const char* kernel) {
  if (std::strstr(kernel, "inge") != nullptr) return Numbers::signs;
  for (const char* part : {"bce", "Focal", "contrastive", "dice"}) {
    if (std::strstr(kernel, part) != nullptr) return Numbers::bits;
  }
  const bool is_unit = std::strstr(kernel, "kl") != nullptr || std::strstr(kernel, "gaussian") != nullptr;
  return is_unit ? Numbers::unit : Numbers::normal;
}

/** What a loss's own number is where its user names none, as other exponents take other paths; else 0. */
double usual(const char* param) {
  constexpr struct {
    const char* name;
    double value;
  } kUsual[] = {{"alpha", 0.25},  {"beta", 0.5},         {"delta", 1},  {"eps", 1e-6},
                {"gamma", 2},     {"logInput", 1},       {"margin", 1}, {"p", 2},
                {"smooth", 1e-6}, {"temperature", 0.07}, {"tau", 0.5}};
  for (const auto& known : kUsual) {
    if (std::strcmp(known.name, param) == 0) return known.value;
  }
  return 0;
}

template <class T>
__attribute__((noinline)) double measured_call(Job& job) {
  Sums<T> sums;
  run(job, sums);
  if (sums.fault.status != Status::ok) {
    std::fprintf(stderr, "the kernel refused input %d\n", sums.fault.input);
    std::exit(1);
  }
  return reduce(sums, divides_by_weights(job.call), Reduction::mean, std::nan(""));
}

template <class T>
int measure(bool times, int kernel, const std::string& wanted, const Sizes& sizes) {
  const char* const name = kernel_at(kernel).name;
  Batch<T> batch(kernel, sizes, first_of(name), rest_of(name), Extras::none);
  Job& job = batch.job;
  job.call.values = {};
  for (int i = 0; i < kernel_at(kernel).params; ++i) job.call.params[i] = usual(kernel_at(kernel).param[i]);
  if (wanted == "value") batch.drop_gradients();
  if (wanted == "grad") job.call.wants_sum = job.wants_value = false;
  double value = measured_call<T>(job);
  if (!times) {
    value += measured_call<T>(job);
    std::printf("%.17g\n", value / 2);
    return 0;
  }
  using Clock = std::chrono::steady_clock;
  std::vector<double> ns;
  const auto begin = Clock::now();
  while (ns.size() < 7 || (Clock::now() - begin < std::chrono::milliseconds(400) && ns.size() < 100000)) {
    const auto start = Clock::now();
    value = measured_call<T>(job);
    ns.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  std::sort(ns.begin(), ns.end());
  const double numbers = static_cast<double>(job.call.inputs[0].size);
  std::printf("%-22s %-5s %9llu x %-6llu best %.4f median %.4f ns, call %.1f us\n", kernel_at(kernel).name,
              wanted.c_str(), static_cast<unsigned long long>(sizes.rows),
              static_cast<unsigned long long>(sizes.columns), ns[0] / numbers, ns[ns.size() / 2] / numbers,
              ns[ns.size() / 2] / 1000);
  return 0;
}

}  // namespace
}  // namespace losskit

int main(int count, char** arguments) {
  using namespace losskit;
  if (count < 7) {
    std::fprintf(stderr,
                 "cost time|count <kernel> <dtype> <value|grad|both> <rows> <columns> [isa [threads]]\n");
    return 2;
  }
  if (count > 7 && std::strcmp(arguments[7], "best") != 0 && !choose_isa(arguments[7])) {
    std::fprintf(stderr, "this machine has no %s\n", arguments[7]);
    return 2;
  }
  set_thread_count(count > 8 ? std::atoi(arguments[8]) : 1);
  const bool times = std::strcmp(arguments[1], "time") == 0;
  const int kernel = kernel_named(arguments[2]);
  Sizes sizes{std::strtoull(arguments[5], nullptr, 10), std::strtoull(arguments[6], nullptr, 10), 1, 0};
  const Driver driver = kernel_at(kernel).driver;
  if (driver == Driver::all_pairs) sizes.inner = 0, sizes.others = sizes.rows;
  if (driver == Driver::masks) sizes.others = 2;
  if (driver == Driver::sequences) sizes.inner = 40, sizes.others = 200;
  return std::strcmp(arguments[3], "float64") == 0 ? measure<double>(times, kernel, arguments[4], sizes)
                                                   : measure<float>(times, kernel, arguments[4], sizes);
}
