#include "cpu/run.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <new>
#include <utility>

#include "cpu/caches.h"
#include "cpu/catalogue.h"
#include "cpu/dispatch.h"
#include "cpu/pool.h"
#include "sum/read.h"

namespace losskit {
namespace {

/** Bytes of work per thread below which sharing costs more than it saves. */
constexpr uint64_t kBytesPerThread = 128 * 1024;
/** Bytes of work for which a thread is woken. */
constexpr uint64_t kBytesToWake = 2 * 1024 * 1024;
/** Bytes in a piece: large enough that taking one costs nothing, small enough that threads end together. */
constexpr uint64_t kLeastPiece = 64 * 1024, kMostPiece = 256 * 1024;
constexpr uint64_t kPiecesPerThread = 8;
/** Pieces of more items than this hold whole blocks of the drivers. */
constexpr uint64_t kBlock = 2048;

uint64_t bytes_of(Dtype dtype) { return dtype == Dtype::absent ? 0 : kDtypeBytes[static_cast<int>(dtype)]; }

uint64_t bytes_of(const Call& c) {
  uint64_t bytes = c.weight.size * bytes_of(c.weight.dtype);
  for (const Tensor& t : c.inputs) bytes += t.size * bytes_of(t.dtype);
  for (const MutableTensor& t : c.grads) bytes += t.size * bytes_of(t.dtype);
  return bytes;
}

int threads_for(uint64_t bytes) {
  const uint64_t pays = bytes / kBytesPerThread;
  const int most = thread_count();
  return pays < 1 ? 1 : pays < static_cast<uint64_t>(most) ? static_cast<int>(pays) : most;
}

template <class T, size_t... i>
void clear(ExactSum<T>& sum, std::index_sequence<i...>) {
  ((sum.limb[i] = 0), ...);
  sum.special = 0;
}

/** One store after the other: for so few bytes the instruction that compilers fill memory with takes longer
 * to start. */
template <class T>
void clear(Sums<T>& sums) {
  constexpr auto limbs = std::make_index_sequence<ExactSumShape<T>::limbs>{};
  clear(sums.total, limbs);
  clear(sums.weight, limbs);
  sums.count = 0;
  sums.fault = {Status::ok, 0, 0, 0};
  sums.guess = {false, 0};
}

template <class T>
void add_sums(Sums<T>& into, const Sums<T>& from) {
  merge(into.total, from.total);
  merge(into.weight, from.weight);
  into.count += from.count;
  const Fault &a = into.fault, &b = from.fault;
  if (b.status != Status::ok && (a.status == Status::ok || b.index < a.index)) into.fault = b;
}

/** Memory of the threads of a phase, or of all its phases; aligned as vectors need. */
class Scratch {
 public:
  explicit Scratch(uint64_t bytes) {
    if (bytes != 0) data_ = ::operator new(bytes, std::align_val_t(64));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (data_ != nullptr) ::operator delete(data_, std::align_val_t(64));
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

uint64_t measured(Measure measure, const Call& c, uint64_t otherwise) {
  return measure != nullptr ? measure(c) : otherwise;
}

/**
 * Walks the items of a phase on several threads. Pieces are taken in order, so when one finds a fault all
 * before it are under way or done, and the fault with the lowest index is the first of the batch.
 */
template <class T>
void walk_pieces(const Call& c, const Phase<T>& phase, uint64_t items, uint64_t piece, int threads,
                 bool is_worth_waking, int32_t* cancel, Sums<T>& sums) {
  const uint64_t pieces = items / piece + (items % piece != 0);
  const int most = pieces < static_cast<uint64_t>(threads) ? static_cast<int>(pieces) : threads;
  const uint64_t each = (measured(phase.scratch, c, 0) + 63) / 64 * 64;
  const Scratch scratch(each * static_cast<uint64_t>(most));
  struct Shared {
    std::atomic<uint64_t> next{0};
    std::atomic<int> entered{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    const Call& call;
    Walk<T> walk;
    uint64_t items, piece;
    char* scratch;
    uint64_t each;
    int32_t* cancel;
    Sums<T>& sums;
  } shared{{},   {},     {},  {}, c, phase.walk, items, piece, static_cast<char*>(scratch.data()),
           each, cancel, sums};
  const auto enter = [](void* context) {
    Shared& s = *static_cast<Shared*>(context);
    const int thread = s.entered.fetch_add(1, std::memory_order_relaxed);
    void* const own_scratch = s.scratch + s.each * static_cast<uint64_t>(thread);
    Sums<T> own;
    clear(own);
    while (!s.stop.load(std::memory_order_relaxed)) {
      const uint64_t begin = s.next.fetch_add(1, std::memory_order_relaxed) * s.piece;
      if (begin >= s.items) break;
      const uint64_t end = s.items - begin < s.piece ? s.items : begin + s.piece;
      if (s.cancel != nullptr && std::atomic_ref(*s.cancel).load(std::memory_order_relaxed) != 0)
        own.fault = {Status::aborted, 0, 0, 0};
      if (own.fault.status == Status::ok) s.walk(s.call, begin, end, own, own_scratch);
      if (own.fault.status != Status::ok) s.stop.store(true, std::memory_order_relaxed);
    }
    std::lock_guard lock(s.mutex);
    add_sums(s.sums, own);
  };
  run_on_threads(most == 0 ? 0 : most - 1, is_worth_waking, enter, &shared);
}

/** `bytes` are those of the call. */
template <class T>
void run_phase(const Job& job, const Phase<T>& phase, uint64_t bytes, Sums<T>& sums) {
  const Call& c = job.call;
  const uint64_t items = measured(phase.items, c, c.rows), work = measured(phase.work, c, bytes);
  const int threads = threads_for(work);
  if (threads == 1 && job.cancel == nullptr) {
    const Scratch scratch(measured(phase.scratch, c, 0));
    return phase.walk(c, 0, items, sums, scratch.data());
  }
  const uint64_t share = work / (kPiecesPerThread * static_cast<uint64_t>(threads));
  const uint64_t pieces = work / std::clamp(share, kLeastPiece, kMostPiece) + 1;
  uint64_t piece = items / pieces + 1;
  if (piece > kBlock) piece = piece / kBlock * kBlock;
  walk_pieces(c, phase, items, piece, threads, work >= kBytesToWake, job.cancel, sums);
}

template <class T>
void run_plan(Job& job, const Plan<T>& plan, Wanted wanted, uint64_t bytes, Sums<T>& sums) {
  const Scratch shared(measured(plan.shared, job.call, 0));
  job.call.shared = shared.data();
  for (const Phase<T>& phase : plan.phases[wanted]) {
    if (phase.walk == nullptr || sums.fault.status != Status::ok) break;
    run_phase(job, phase, bytes, sums);
  }
}

/** Whether rows are so few and long that threads must share each. */
template <class T>
bool is_split(const KernelEntry<T>& entry, const Call& c, uint64_t bytes) {
  if (entry.pieces == nullptr) return false;
  const int threads = threads_for(bytes);
  return threads > 1 && c.rows < static_cast<uint64_t>(2 * threads) && entry.pieces(c) > 1;
}

/** Whether a call is one of a few plain floats. */
bool is_brief(const Call& c) {
  if (c.rows > kBriefRows || c.weight.data != nullptr || c.upstream.data != nullptr ||
      c.values.data != nullptr)
    return false;
  const int inputs = kernel_at(c.kernel).inputs;
  for (int i = 0; i < inputs; ++i) {
    if (c.inputs[i].dtype != Dtype::float32 || c.inputs[i].size < c.rows) return false;
    // What would have to start again must find its inputs as they were.
    for (const MutableTensor& grad : c.grads) {
      if (grad.data != nullptr && grad.data == c.inputs[i].data) return false;
    }
  }
  return true;
}

bool has_labels(const Call& c, const Kernel& kernel) {
  return kernel.labels >= 0 && c.inputs[kernel.labels].dtype >= Dtype::int8;
}

}  // namespace

bool divides_by_weights(const Call& c) {
  const Kernel& kernel = kernel_at(c.kernel);
  return kernel.mean_by_weight && has_labels(c, kernel) && c.weight.data != nullptr;
}

namespace {

/** What the gradients are multiplied by, and whether they go past the caches; false if a label is no class.
 */
template <class T>
bool prepare_gradient(Job& job, const KernelEntry<T>& entry, uint64_t bytes, Sums<T>& sums) {
  Call& c = job.call;
  double divisor = job.reduction == Reduction::mean ? job.divisor : 1;
  if (std::isnan(divisor)) {
    Sums<T> surveyed;
    clear(surveyed);
    surveyed.count = c.rows;
    if (entry.survey != nullptr && has_labels(c, kernel_at(c.kernel))) {
      surveyed.count = 0;
      run_phase<T>(job, {entry.survey, nullptr, nullptr, nullptr}, bytes, surveyed);
      sums.fault = surveyed.fault;
      if (sums.fault.status != Status::ok) return false;
    }
    divisor = divides_by_weights(c) ? value_of(surveyed.weight) : static_cast<double>(surveyed.count);
  }
  c.scale = job.upstream / divisor;
  c.stream = bytes > bytes_kept_in_caches(thread_count());
  for (const MutableTensor& grad : c.grads) {
    for (const Tensor& input : c.inputs) c.stream &= grad.data == nullptr || grad.data != input.data;
  }
  return true;
}

}  // namespace

namespace {

Wanted wanted_of(const Call& c) {
  if (c.grads[0].data == nullptr) return kValue;
  return c.wants_sum || c.values.data != nullptr ? kValueAndGrad : kGrad;
}

template <class T>
uint64_t work_in(const Call& c) {
  const uint64_t bytes = bytes_of(c);
  uint64_t work = 0;
  for (const Phase<T>& phase : active_entry<T>(kernel_at(c.kernel)).plan.phases[wanted_of(c)]) {
    if (phase.walk == nullptr) break;
    work += measured(phase.work, c, bytes);
  }
  return work;
}

}  // namespace

uint64_t work_of(const Job& job) {
  const Call& c = job.call;
  return c.inputs[0].dtype == Dtype::float64 ? work_in<double>(c) : work_in<float>(c);
}

BriefRun brief_run_of(Job& job) {
  Call& c = job.call;
  if (!job.wants_value || !is_brief(c)) return {};
  const Wanted wanted = wanted_of(c);
  const Brief compute = active_entry<float>(kernel_at(c.kernel)).brief[wanted];
  if (compute == nullptr) return {};
  const bool has_own = std::isnan(job.divisor);
  const double divisor = job.reduction != Reduction::mean ? 1
                         : has_own                        ? static_cast<double>(c.rows)
                                                          : job.divisor;
  if (wanted != kValue) {
    c.scale = job.upstream / divisor;
    c.stream = false;
  }
  return {compute, divisor};
}

template <class T>
void run(Job& job, Sums<T>& sums) {
  clear(sums);
  Call& c = job.call;
  const KernelEntry<T>& entry = active_entry<T>(kernel_at(c.kernel));
  const uint64_t bytes = bytes_of(c);
  c.from_memory = bytes > bytes_in_caches(thread_count());
  c.fetches = c.from_memory && fetching_pays();
  const Wanted wanted = wanted_of(c);
  if (wanted != kValue && !prepare_gradient(job, entry, bytes, sums)) return;
  run_plan(job, is_split(entry, c, bytes) ? entry.split : entry.plan, wanted, bytes, sums);
}

template void run(Job&, Sums<float>&);
template void run(Job&, Sums<double>&);

}  // namespace losskit
