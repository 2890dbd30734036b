#include "cpu/run.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

#include "cpu/catalogue.h"
#include "cpu/dispatch.h"
#include "cpu/float_environment.h"
#include "cpu/last_level_cache.h"
#include "cpu/pool.h"
#include "sum/read.h"

namespace losskit {
namespace {

/** Bytes of a batch per thread below which waking another costs more than it saves. */
constexpr uint64_t kBytesPerThread = 256 * 1024;
/** Elements in a piece: large enough that taking one costs nothing, small enough that threads end together.
 */
constexpr uint64_t kPiece = 32 * 1024;

template <class T>
const Kernels<T>& kernels_of(const KernelTable& table);
template <>
const Kernels<float>& kernels_of(const KernelTable& table) {
  return table.f32;
}
template <>
const Kernels<double>& kernels_of(const KernelTable& table) {
  return table.f64;
}

uint64_t bytes_of(Dtype dtype) { return dtype == Dtype::absent ? 0 : kDtypeBytes[static_cast<int>(dtype)]; }

uint64_t bytes_of(const Call& c) {
  return c.pred.size * bytes_of(c.pred.dtype) + c.target.size * bytes_of(c.target.dtype) +
         c.weight.size * bytes_of(c.weight.dtype) + c.grad.size * bytes_of(c.grad.dtype);
}

int threads_for(uint64_t bytes) {
  const uint64_t pays = bytes / kBytesPerThread;
  const int most = thread_count();
  return pays < 1 ? 1 : pays < static_cast<uint64_t>(most) ? static_cast<int>(pays) : most;
}

template <class T>
void add_sums(Sums<T>& into, const Sums<T>& from) {
  merge(into.total, from.total);
  merge(into.weight, from.weight);
  into.count += from.count;
  const Fault &a = into.fault, &b = from.fault;
  if (b.status != Status::ok && (a.status == Status::ok || b.index < a.index)) into.fault = b;
}

/**
 * Calls `piece(i, sums)` for i in [0, pieces) on several threads. Pieces are taken in order, so when one
 * finds a fault all before it are under way or done, and the fault with the lowest index is the first of the
 * batch.
 */
template <class T, class Piece>
void for_pieces(uint64_t pieces, int threads, int32_t* cancel, Sums<T>& sums, const Piece& piece) {
  struct Shared {
    std::atomic<uint64_t> next{0};
    std::atomic<bool> stop{false};
    std::mutex mutex;
    uint64_t pieces;
    int32_t* cancel;
    Sums<T>& sums;
    const Piece& piece;
  } shared{{}, {}, {}, pieces, cancel, sums, piece};
  const auto enter = [](void* context) {
    Shared& s = *static_cast<Shared*>(context);
    const FloatEnvironment environment;
    Sums<T> own{};
    while (!s.stop.load(std::memory_order_relaxed)) {
      const uint64_t i = s.next.fetch_add(1, std::memory_order_relaxed);
      if (i >= s.pieces) break;
      if (s.cancel != nullptr && std::atomic_ref(*s.cancel).load(std::memory_order_relaxed) != 0)
        own.fault = {Status::aborted, 0, 0};
      if (own.fault.status == Status::ok) s.piece(i, own);
      if (own.fault.status != Status::ok) s.stop.store(true, std::memory_order_relaxed);
    }
    std::lock_guard lock(s.mutex);
    add_sums(s.sums, own);
  };
  const uint64_t helpers = pieces < static_cast<uint64_t>(threads) ? pieces : static_cast<uint64_t>(threads);
  run_on_threads(helpers == 0 ? 0 : static_cast<int>(helpers) - 1, enter, &shared);
}

/** Ranges of elements or rows. */
template <class T, class F>
void for_ranges(uint64_t size, uint64_t piece, const Job& job, Sums<T>& sums, const F& f) {
  const int threads = threads_for(bytes_of(job.call));
  if (threads == 1 && job.cancel == nullptr) {
    const FloatEnvironment environment;
    return f(job.call, 0, size, sums);
  }
  for_pieces(size / piece + (size % piece != 0), threads, job.cancel, sums, [&](uint64_t i, Sums<T>& own) {
    const uint64_t begin = i * piece;
    f(job.call, begin, size - begin < piece ? size : begin + piece, own);
  });
}

/** Rows fewer than threads: their chunks are shared out. */
template <class T>
void run_split_rows(const Job& job, const RowKernels<T>& kernel, int threads, Sums<T>& sums) {
  const Call& c = job.call;
  const uint64_t chunks = (c.classes + kChunk - 1) / kChunk, pieces = c.rows * chunks;
  const std::unique_ptr<Chunk[]> measured(new Chunk[pieces]);
  const std::unique_ptr<Row<T>[]> rows(new Row<T>[c.rows]);
  for_pieces(pieces, threads, job.cancel, sums,
             [&](uint64_t i, Sums<T>&) { measured[i] = kernel.measure(c, i / chunks, i % chunks); });
  const FloatEnvironment environment;
  for (uint64_t row = 0; row < c.rows && sums.fault.status == Status::ok; ++row) {
    rows[row] = kernel.finish(c, row, &measured[row * chunks], sums);
  }
  if (c.grad.data == nullptr || sums.fault.status != Status::ok) return;
  for_pieces(pieces, threads, job.cancel, sums,
             [&](uint64_t i, Sums<T>&) { kernel.gradient(c, i / chunks, i % chunks, rows[i / chunks]); });
}

template <class T>
void run_rows(const Job& job, const RowKernels<T>& kernel, Sums<T>& sums) {
  const Call& c = job.call;
  const int threads = threads_for(bytes_of(c));
  const uint64_t chunks = (c.classes + kChunk - 1) / kChunk;
  if (kernel.measure != nullptr && chunks > 1 && c.rows < static_cast<uint64_t>(2 * threads) && threads > 1) {
    return run_split_rows(job, kernel, threads, sums);
  }
  const uint64_t piece = c.classes < kPiece ? kPiece / (c.classes + 1) + 1 : 1;
  for_ranges(c.rows, piece, job, sums, kernel.rows);
}

bool has_labels(const Call& c) { return c.classes != 0 && c.target.dtype >= Dtype::int8; }

}  // namespace

bool divides_by_weights(const Call& c) { return has_labels(c) && c.weight.data != nullptr; }

namespace {

/** What the gradients are multiplied by, and whether they go past the caches; false if a label is no class.
 */
template <class T>
bool prepare_gradient(Job& job, Sums<T>& sums) {
  Call& c = job.call;
  double divisor = job.reduction == Reduction::mean ? job.divisor : 1;
  if (std::isnan(divisor)) {
    Sums<T> surveyed{};
    surveyed.count = c.rows;
    if (has_labels(c)) {
      surveyed.count = 0;
      for_ranges(c.rows, kPiece, job, surveyed, kernels_of<T>(active_kernels()).survey);
      sums.fault = surveyed.fault;
      if (sums.fault.status != Status::ok) return false;
    }
    divisor = divides_by_weights(c) ? value_of(surveyed.weight) : static_cast<double>(surveyed.count);
  }
  c.scale = job.upstream / divisor;
  c.stream = c.grad.data != c.pred.data && bytes_of(c) > last_level_cache_bytes() / 2;
  return true;
}

template <class T>
void run_kernels(const Job& job, Sums<T>& sums) {
  const Call& c = job.call;
  const Kernels<T>& kernels = kernels_of<T>(active_kernels());
  const int rows = c.kernel - element_kernel_count();
  if (rows >= 0) return run_rows(job, kernels.rows[rows], sums);
  const bool wants_values = c.wants_sum || c.values.data != nullptr;
  const Wanted wanted = c.grad.data == nullptr ? kValue : wants_values ? kValueAndGrad : kGrad;
  for_ranges(c.rows, kPiece, job, sums, kernels.elements[c.kernel][wanted]);
}

}  // namespace

template <class T>
void run(const Job& job, Sums<T>& sums) {
  sums = {};
  if (job.call.grad.data == nullptr) return run_kernels(job, sums);
  Job with_scale = job;
  if (prepare_gradient(with_scale, sums)) run_kernels(with_scale, sums);
}

template <class T>
double reduce(const Sums<T>& sums, bool by_weights, Reduction reduction, double divisor) {
  if (reduction == Reduction::sum) return value_of(sums.total);
  if (!std::isnan(divisor)) return quotient(sums.total, divisor);
  return by_weights ? quotient(sums.total, sums.weight)
                    : quotient(sums.total, static_cast<double>(sums.count));
}

template void run(const Job&, Sums<float>&);
template void run(const Job&, Sums<double>&);
template double reduce(const Sums<float>&, bool, Reduction, double);
template double reduce(const Sums<double>&, bool, Reduction, double);

}  // namespace losskit
