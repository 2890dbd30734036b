// Runs every loss that the CUDA library has on the batches of bits.cc, on the processor and on a device, and
// compares all they give, bit by bit: sums, counts, values, gradients, faults. Exits with 1 where they
// differ.
//
//   cuda_bits <library> [--short] [loss…]
//
// The short form takes everyday numbers only, and half of the ways in which tensors may lie.

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "cuda/abi.h"
#include "test/batch.h"

namespace losskit {
namespace {

using cuda::Library;

const Library* library;
cuda::Stream stream;
int compared, differing;
bool is_short;

void require(cuda::Code code, const char* what) {
  if (code == 0) return;
  std::fprintf(stderr, "%s: %s\n", what, library->name_of(code));
  std::exit(1);
}

/** Memory of the device, with what was on the host; its end is marked, so that what is written beyond it is
 * seen. */
class OnDevice {
 public:
  OnDevice(const void* host, uint64_t bytes, uint64_t offset = 0) : bytes_(bytes), offset_(offset) {
    require(library->allocate(0, stream, bytes + offset + kGuard, &memory_), "allocate");
    std::vector<unsigned char> all(bytes + offset + kGuard, kMark);
    if (host != nullptr && bytes != 0) std::memcpy(all.data() + offset, host, bytes);
    require(library->copy(0, stream, memory_, all.data(), all.size()), "copy");
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { library->release(0, stream, memory_); }

  void* data() const { return static_cast<char*>(memory_) + offset_; }

  /** What it holds now; false if something was written around it. */
  bool read(std::vector<unsigned char>& to) const {
    std::vector<unsigned char> all(bytes_ + offset_ + kGuard);
    require(library->copy(0, stream, all.data(), memory_, all.size()), "copy");
    wait();
    to.assign(all.begin() + static_cast<long>(offset_), all.end() - kGuard);
    for (uint64_t i = 0; i < offset_; ++i) {
      if (all[i] != kMark) return false;
    }
    for (uint64_t i = 0; i < kGuard; ++i) {
      if (all[offset_ + bytes_ + i] != kMark) return false;
    }
    return true;
  }

  static void wait() {
    cuda::Event event;
    require(library->create_event(0, &event), "event");
    require(library->record(0, event, stream), "record");
    require(library->synchronize(0, event), "synchronize");
    library->destroy_event(0, event);
  }

 private:
  static constexpr int kGuard = 64;
  static constexpr unsigned char kMark = 0xa5;
  void* memory_ = nullptr;
  uint64_t bytes_, offset_;
};

uint64_t bytes_of(Dtype dtype, uint64_t size) {
  return dtype == Dtype::absent ? 0 : size * kDtypeBytes[static_cast<int>(dtype)];
}

/** Equal, where all NaN are one. */
bool same_numbers(const unsigned char* a, const unsigned char* b, Dtype dtype, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) {
    if (dtype == Dtype::float64) {
      double x, y;
      std::memcpy(&x, a + 8 * i, 8), std::memcpy(&y, b + 8 * i, 8);
      if (std::memcmp(&x, &y, 8) != 0 && !(x != x && y != y)) return false;
    } else if (dtype == Dtype::float32) {
      float x, y;
      std::memcpy(&x, a + 4 * i, 4), std::memcpy(&y, b + 4 * i, 4);
      if (std::memcmp(&x, &y, 4) != 0 && !(x != x && y != y)) return false;
    } else {
      uint16_t x, y;
      std::memcpy(&x, a + 2 * i, 2), std::memcpy(&y, b + 2 * i, 2);
      const int infinity = dtype == Dtype::float16 ? 0x7c00 : 0x7f80;
      const auto is_nan = [infinity](uint16_t h) { return (h & 0x7fff) > infinity; };
      if (x != y && !(is_nan(x) && is_nan(y))) return false;
    }
  }
  return true;
}

bool same_word(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b); }

template <class T>
const char* difference(const Sums<T>& a, const Sums<T>& b) {
  if (a.fault.status != b.fault.status) return "status";
  if (a.fault.status != Status::ok) {
    const bool same = a.fault.input == b.fault.input && a.fault.index == b.fault.index &&
                      same_word(a.fault.value, b.fault.value);
    return same ? nullptr : "fault";
  }
  if (a.count != b.count) return "count";
  if (std::memcmp(a.total.limb, b.total.limb, sizeof a.total.limb) != 0) return "sum";
  if (a.total.special != b.total.special) return "special terms";
  if (std::memcmp(&a.weight, &b.weight, sizeof a.weight) != 0) return "weights";
  return nullptr;
}

template <class T>
void read_outcome(const void* bytes, Sums<T>& sums) {
  if constexpr (sizeof(T) == 8) {
    library->read_double(bytes, &sums);
  } else {
    library->read_float(bytes, &sums);
  }
}

/** How a call is laid out on the device. */
struct Layout {
  uint64_t offset = 0;  // bytes by which tensors miss their alignment
  bool in_place = false;
};

/** Runs the job in both places. What differs, or null. */
template <class T>
const char* compare(const Job& original, const Layout& layout) {
  // On the processor the outputs lie apart from the inputs, so that the device sees the inputs as they were.
  Job host = original;
  std::vector<unsigned char> host_grads[kGrads],
      host_values(bytes_of(host.call.values.dtype, host.call.values.size));
  if (host.call.values.data != nullptr) host.call.values.data = host_values.data();
  for (int i = 0; i < kGrads; ++i) {
    MutableTensor& grad = host.call.grads[i];
    if (grad.data == nullptr) continue;
    host_grads[i].resize(bytes_of(grad.dtype, grad.size) + 1);
    grad.data = host_grads[i].data();
  }
  Sums<T> expected;
  Job job = original;
  run(host, expected);

  const auto shift = [&layout](Dtype dtype) { return layout.offset * kDtypeBytes[static_cast<int>(dtype)]; };
  std::vector<std::unique_ptr<OnDevice>> held;
  const auto upload = [&](Tensor& t) {
    if (t.data == nullptr) return;
    held.push_back(std::make_unique<OnDevice>(t.data, bytes_of(t.dtype, t.size), shift(t.dtype)));
    t.data = held.back()->data();
  };
  OnDevice* input_of[kInputs] = {};
  for (int i = 0; i < kInputs; ++i) {
    upload(job.call.inputs[i]);
    if (job.call.inputs[i].data != nullptr) input_of[i] = held.back().get();
  }
  upload(job.call.weight);
  upload(job.call.upstream);
  const Kernel& kernel = kernel_at(job.call.kernel);
  OnDevice *values = nullptr, *grads[kGrads] = {};
  if (job.call.values.data != nullptr) {
    MutableTensor& t = job.call.values;
    held.push_back(std::make_unique<OnDevice>(nullptr, bytes_of(t.dtype, t.size), shift(t.dtype)));
    values = held.back().get();
    t.data = values->data();
  }
  for (int i = 0; i < kGrads; ++i) {
    MutableTensor& t = job.call.grads[i];
    if (t.data == nullptr) continue;
    if (layout.in_place) {
      grads[i] = input_of[kernel.grad_of[i]];
    } else {
      held.push_back(std::make_unique<OnDevice>(nullptr, bytes_of(t.dtype, t.size), shift(t.dtype)));
      grads[i] = held.back().get();
    }
    t.data = grads[i]->data();
  }

  const uint64_t bytes = library->outcome_bytes(&job);
  const OnDevice outcome(nullptr, bytes), scratch(nullptr, library->scratch_bytes(&job));
  require(library->run(0, stream, &job, outcome.data(), scratch.data()), "run");
  std::vector<unsigned char> read;
  if (!outcome.read(read)) return "memory around the outcome";
  Sums<T> found;
  read_outcome(read.data(), found);
  if (const char* what = difference(expected, found)) return what;
  if (expected.fault.status != Status::ok) return nullptr;
  if (values != nullptr) {
    if (!values->read(read)) return "memory around the values";
    if (!same_numbers(read.data(), host_values.data(), job.call.values.dtype, job.call.values.size))
      return "values";
  }
  for (int i = 0; i < kGrads; ++i) {
    if (grads[i] == nullptr) continue;
    if (!grads[i]->read(read)) return "memory around a gradient";
    if (!same_numbers(read.data(), host_grads[i].data(), job.call.grads[i].dtype, job.call.grads[i].size))
      return "gradient";
  }
  return nullptr;
}

/** A batch whose inputs with gradients are stored as halves. */
class Halves {
 public:
  Halves(const Job& job, Dtype dtype) : job_(job) {
    for (int i = 0; i < kInputs; ++i) {
      Tensor& t = job_.call.inputs[i];
      if (t.dtype != Dtype::float32) continue;
      stored_[i].resize(t.size);
      for (uint64_t k = 0; k < t.size; ++k) {
        uint32_t word;
        std::memcpy(&word, static_cast<const float*>(t.data) + k, 4);
        // Of any bits some, which are finite more often than not: the upper half, or its exponent brought
        // near 1.
        stored_[i][k] = static_cast<uint16_t>(
            dtype == Dtype::bfloat16 ? word >> 16 : (word >> 16 & 0x8000) | (word >> 12 & 0x3fff));
      }
      t = {stored_[i].data(), t.size, dtype};
    }
    for (MutableTensor& grad : job_.call.grads) {
      if (grad.data != nullptr) grad.dtype = dtype;
    }
  }
  const Job& job() const { return job_; }

 private:
  Job job_;
  std::vector<uint16_t> stored_[kInputs];
};

void report(const char* what, const Kernel& kernel, const char* type, const Sizes& sizes, const Job& job,
            const Layout& layout) {
  ++compared;
  if (what == nullptr) return;
  constexpr int kShown = 20;
  if (++differing > kShown) return;
  std::printf("%s %s rows %llu columns %llu inner %llu%s%s%s%s: %s differ\n", kernel.name, type,
              static_cast<unsigned long long>(sizes.rows), static_cast<unsigned long long>(sizes.columns),
              static_cast<unsigned long long>(job.call.inner),
              job.call.grads[0].data != nullptr ? ", gradient" : "",
              job.call.weight.data != nullptr ? ", weighted" : "", layout.offset != 0 ? ", not aligned" : "",
              layout.in_place ? ", in place" : "", what);
}

/** Whether a gradient may lie over its input: not where others read that input later. */
bool works_in_place(const Kernel& kernel) {
  return kernel.driver != Driver::all_pairs && std::strncmp(kernel.name, "lovasz", 6) != 0;
}

template <class T>
void compare_job(const Job& job, const Kernel& kernel, const char* type, const Sizes& sizes) {
  const bool has_grad = job.call.grads[0].data != nullptr;
  for (uint64_t offset : {0, 1}) {
    for (bool in_place : {false, true}) {
      if (in_place && (!has_grad || !works_in_place(kernel))) continue;
      if (is_short && has_grad && works_in_place(kernel) && in_place != (offset != 0)) continue;
      const Layout layout = {offset, in_place};
      report(compare<T>(job, layout), kernel, type, sizes, job, layout);
    }
  }
}

template <class T>
void compare_batch(int index, const Sizes& sizes, Numbers first, Numbers rest, Extras extras) {
  const Kernel& kernel = kernel_at(index);
  Batch<T> batch(index, sizes, first, rest, extras);
  std::vector<T> incoming = make_numbers<T>(Numbers::normal, 5, sizes.rows);
  for (int variant = 0; variant < 3; ++variant) {
    Job job = batch.job;
    if (variant == 1) {
      for (MutableTensor& grad : job.call.grads) grad = {};
      job.call.values = {};
    }
    if (variant == 2) {
      job.reduction = Reduction::none;
      job.call.wants_sum = job.call.is_mean = false;
      job.call.upstream = {incoming.data(), incoming.size(),
                           sizeof(T) == 4 ? Dtype::float32 : Dtype::float64};
    }
    compare_job<T>(job, kernel, sizeof(T) == 4 ? "float32" : "float64", sizes);
    if constexpr (sizeof(T) == 4) {
      compare_job<T>(Halves(job, Dtype::float16).job(), kernel, "float16", sizes);
      compare_job<T>(Halves(job, Dtype::bfloat16).job(), kernel, "bfloat16", sizes);
    }
  }
}

constexpr Numbers kFamilies[][2] = {{Numbers::any, Numbers::any},
                                    {Numbers::normal, Numbers::unit},
                                    {Numbers::normal, Numbers::signs},
                                    {Numbers::unit, Numbers::unit},
                                    {Numbers::bits, Numbers::bits}};

void compare_kernel(int index) {
  const Kernel& kernel = kernel_at(index);
  for (const auto& [first, rest] : kFamilies) {
    // Some losses take labels of their own kind only.
    if (is_short && rest != Numbers::signs && rest != Numbers::bits) continue;
    for (const Sizes& sizes : sizes_of(kernel.driver)) {
      for (Extras extras : {Extras::none, Extras::all, Extras::distributions}) {
        if (extras == Extras::distributions && !kernel.distributions) continue;
        compare_batch<float>(index, sizes, first, rest, extras);
        compare_batch<double>(index, sizes, first, rest, extras);
      }
    }
  }
}

/** A batch of so many rows that blocks take several, or that they are walked differently; none where other
 * batches have that already. */
Sizes many_rows(Driver driver) {
  switch (driver) {
    case Driver::all_pairs:
      return {4200, 3, 0, 4200};
    case Driver::multilabel:
      return {9000, 40, 1};
    case Driver::sequences:
      return {300, 5, 4, 6};
    default:
      return {0};
  }
}

/** Once, for it takes long. */
void compare_many_rows(int index) {
  const Kernel& kernel = kernel_at(index);
  const Sizes sizes = many_rows(kernel.driver);
  if (is_short || sizes.rows == 0) return;
  const Batch<float> batch(index, sizes, Numbers::normal, Numbers::signs, Extras::none);
  report(compare<float>(batch.job, {}), kernel, "float32", sizes, batch.job, {});
}

int compare_all(const char* path, const std::vector<std::string>& named) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const auto get = reinterpret_cast<const Library* (*)()>(dlsym(handle, "losskit_cuda_library"));
  library = get();
  require(library->create_stream(0, &stream), "create_stream");
  for (int i = 0; i < kernel_count(); ++i) {
    bool wanted = named.empty();
    for (const std::string& name : named) wanted |= name == kernel_at(i).name;
    if (!wanted) continue;
    const int before = differing, count = compared;
    compare_kernel(i);
    compare_many_rows(i);
    std::printf("%-24s %6d compared, %d differ\n", kernel_at(i).name, compared - count, differing - before);
    std::fflush(stdout);
  }
  std::printf("%d compared, %d differ\n", compared, differing);
  return compared == 0 || differing != 0 ? 1 : 0;
}

}  // namespace
}  // namespace losskit

int main(int count, char** arguments) {
  if (count < 2) return 2;
  losskit::is_short = count > 2 && std::string(arguments[2]) == "--short";
  return losskit::compare_all(arguments[1], {arguments + (losskit::is_short ? 3 : 2), arguments + count});
}
