// Prints a hash of what the elementary functions and every loss of the catalogue compute on fixed inputs, for
// each instruction set of this machine. Exits with 1 if two of them differ. The hashes of two machines are to
// be equal, too.

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "cpu/catalogue.h"
#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "cpu/run.h"
#include "test/math_functions.h"

namespace losskit {
namespace {

/** splitmix64 */
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

struct Hash {
  uint64_t state = 0xcbf29ce484222325;
  void word(uint64_t w) { state = (state ^ w) * 0x100000001b3, state ^= state >> 29; }
  /** All NaN are one: machines differ in the sign and payload of those they make. */
  void number(float x) { word(std::isnan(x) ? 0x7fc00000u : std::bit_cast<uint32_t>(x)); }
  void number(double x) { word(std::isnan(x) ? 0x7ff8000000000000u : std::bit_cast<uint64_t>(x)); }
};

constexpr size_t kInputs = 1 << 20;

/** Any bits, numbers of everyday size, and the unit interval, in turns. */
template <class T>
std::vector<T> inputs(uint64_t seed, size_t n) {
  using Word = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  Random random{seed};
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) {
    const double unit = random.unit();
    x[i] = i % 3 == 0   ? std::bit_cast<T>(static_cast<Word>(random.next()))
           : i % 3 == 1 ? static_cast<T>(200 * unit - 100)
                        : static_cast<T>(unit);
  }
  return x;
}

template <class T, class F>
void hash_function(F apply, MathFunction f, Hash& hash) {
  const std::vector<T> x = inputs<T>(static_cast<uint64_t>(f) + 1, kInputs);
  std::vector<T> y(x.size());
  apply(f, x.data(), y.data(), x.size());
  for (T v : y) hash.number(v);
}

template <class T, class F>
void hash_function2(F apply, MathFunction2 f, Hash& hash) {
  const auto seed = static_cast<uint64_t>(f) + 101;
  const std::vector<T> a = inputs<T>(seed, kInputs), b = inputs<T>(seed + 100, kInputs);
  std::vector<T> y(a.size());
  // Each kind of a with each kind of b: any bits, everyday numbers, the unit interval.
  for (size_t shift = 0; shift < 3; ++shift) {
    apply(f, a.data(), b.data() + shift, y.data(), y.size() - shift);
    for (size_t i = 0; i < y.size() - shift; ++i) hash.number(y[i]);
  }
}

template <class T>
void hash_job(const Job& job, Hash& hash) {
  Sums<T> sums;
  run(job, sums);
  hash.word(static_cast<uint64_t>(sums.fault.status));
  for (uint64_t limb : sums.total.limb) hash.word(limb);
  hash.word(sums.total.special);
  hash.number(reduce(sums, divides_by_weights(job.call), Reduction::mean, std::nan("")));
}

template <class T>
constexpr Dtype kDtype = sizeof(T) == 4 ? Dtype::float32 : Dtype::float64;

template <class T>
Tensor tensor(const std::vector<T>& data) {
  return {data.data(), data.size(), kDtype<T>};
}

template <class T>
void hash_loss(int kernel, uint64_t rows, uint64_t classes, bool narrow, Hash& hash) {
  const bool elements = kernel_at(kernel).elements;
  const uint64_t size = elements ? rows : rows * classes;
  std::vector<T> pred = inputs<T>(7, size), target = inputs<T>(8, size), values(rows), grad(size);
  if (narrow) {
    for (T& x : pred) x = std::fabs(x) <= 1 ? std::fabs(x) : T(0.5);
    for (T& x : target) x = std::fabs(x) <= 1 ? std::fabs(x) : T(1);
  }
  std::vector<int64_t> labels(rows);
  Random random{9};
  for (int64_t& label : labels) label = classes == 0 ? 0 : static_cast<int64_t>(random.next() % classes);
  Job job{};
  Call& c = job.call;
  c.kernel = kernel;
  c.rows = rows;
  c.classes = elements ? 0 : classes;
  c.pred = tensor(pred);
  c.target = elements ? tensor(target) : Tensor{labels.data(), rows, Dtype::int64};
  if (kernel_at(kernel).inputs == 3) c.extra = tensor(target);
  c.values = {values.data(), rows, kDtype<T>};
  c.grad = {grad.data(), size, kDtype<T>};
  c.params[0] = 0.75;
  c.wants_sum = true;
  job.reduction = Reduction::mean;
  job.upstream = 1.25;
  job.divisor = std::nan("");
  hash_job<T>(job, hash);
  for (T x : values) hash.number(x);
  for (T x : grad) hash.number(x);
  if (kernel_at(kernel).softmax) {
    c.label_smoothing = 0.1;
    hash_job<T>(job, hash);
    for (T x : grad) hash.number(x);
    c.target = tensor(target);
    hash_job<T>(job, hash);
    for (T x : grad) hash.number(x);
  }
}

uint64_t hash_everything(const std::string& isa) {
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
  for (int threads : {1, 3}) {
    set_thread_count(threads);
    for (int kernel = 0; kernel < kernel_count(); ++kernel) {
      for (bool narrow : {false, true}) {
        for (uint64_t rows : {1, 17, 5000, 200000}) {
          if (!kernel_at(kernel).elements) break;
          hash_loss<float>(kernel, rows, 0, narrow, hash);
          hash_loss<double>(kernel, rows, 0, narrow, hash);
        }
        constexpr uint64_t shapes[][2] = {{1, 1}, {100, 10}, {37, 33}, {9, 1000}, {3, 4097}, {1, 100000}};
        for (const auto& shape : shapes) {
          if (kernel_at(kernel).elements) break;
          hash_loss<float>(kernel, shape[0], shape[1], narrow, hash);
          hash_loss<double>(kernel, shape[0], shape[1], narrow, hash);
        }
      }
    }
  }
  return hash.state;
}

int compare_isas() {
  uint64_t first = 0;
  bool differ = false;
  for (const std::string& isa : available_isas()) {
    const uint64_t hash = hash_everything(isa);
    std::printf("%-8s %016llx\n", isa.c_str(), static_cast<unsigned long long>(hash));
    if (first == 0) first = hash;
    differ |= hash != first;
  }
  return differ ? 1 : 0;
}

}  // namespace
}  // namespace losskit

int main() { return losskit::compare_isas(); }
