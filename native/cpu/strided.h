// Rows whose scores lie apart: the class axis is not the last.
//
// A batch [outer, C, inner] holds a row at each of outer * inner positions; row r = outer inner + i, its
// scores `inner` apart. Neighbouring rows lie beside each other, so memory is read and written in runs of
// rows, class by class, and a tile of rows is turned into dense rows on which the driver then works. The bits
// are those of dense rows.
#pragma once

#include "cpu/row_group.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Where a score of a row stands. */
LOSSKIT_INLINE uint64_t place_of(const Call& c, uint64_t row, uint64_t column) {
  if (c.inner == 1) return row * c.columns + column;
  return (row / c.inner * c.columns + column) * c.inner + row % c.inner;
}

/** Cuts n rows into runs of neighbours: f(rows before the run, rows in it, place of its first score). */
template <class F>
LOSSKIT_INLINE void each_run(const Call& c, uint64_t row, size_t n, F f) {
  for (size_t done = 0; done < n;) {
    const uint64_t left = c.inner - (row + done) % c.inner;
    const size_t count = n - done < left ? n - done : static_cast<size_t>(left);
    f(done, count, place_of(c, row + done, 0));
    done += count;
  }
}

/** Rows beside each other in a block that holds one class after the other; more than are ever there, so that
 * the classes do not compete for one part of the cache. */
constexpr size_t kPlane = kRowGroup + 16;

/** Reads `classes` classes of n <= kRowGroup rows, from class `first` on, into planes. */
template <class T>
void read_planes(const Call& c, const Tensor& from, uint64_t row, size_t n, uint64_t first, size_t classes,
                 T* planes) {
  each_run(c, row, n, [&](size_t done, size_t count, uint64_t at) {
    for (size_t k = 0; k < classes; ++k) {
      read_as(from, at + (first + k) * c.inner, count, planes + k * kPlane + done);
    }
  });
}

template <class T>
void write_block(const MutableTensor& to, uint64_t at, size_t n, const T* from) {
  if (to.dtype == dtype_of<T>) {
    T* out = static_cast<T*>(to.data) + at;
    for (size_t i = 0; i < n; ++i) out[i] = from[i];
  } else {
    flush_block(to, at, n, from);
  }
}

template <class T>
void write_planes(const Call& c, const MutableTensor& to, uint64_t row, size_t n, uint64_t first,
                  size_t classes, const T* planes) {
  each_run(c, row, n, [&](size_t done, size_t count, uint64_t at) {
    for (size_t k = 0; k < classes; ++k) {
      write_block(to, at + (first + k) * c.inner, count, planes + k * kPlane + done);
    }
  });
}

/** Rows in a tile: as many as the second-level cache likes, whole cache lines at least. */
template <class T>
LOSSKIT_INLINE uint64_t tile_rows(const Call& c) {
  constexpr uint64_t kTileBytes = 128 * 1024;
  const uint64_t fit = kTileBytes / sizeof(T) / (c.columns == 0 ? 1 : c.columns) / 16 * 16;
  const uint64_t wanted = fit < 16 ? 16 : fit < kRowGroup ? fit : kRowGroup;
  return wanted < c.rows ? wanted : c.rows;
}

LOSSKIT_INLINE bool has_float_targets(const Call& c) {
  return c.inputs[1].dtype >= Dtype::float32 && c.inputs[1].dtype <= Dtype::bfloat16;
}

/** Bytes of a tile of scores, and of one of targets where every class has one. */
template <class T>
uint64_t tile_bytes(const Call& c) {
  if (c.inner == 1) return 0;
  const uint64_t tiles = has_float_targets(c) ? 2 : 1;
  return (tiles * tile_rows<T>(c) * c.columns * sizeof(T) + 63) / 64 * 64;
}

constexpr size_t kTurned = 16;  // classes that are turned at a time

template <class T>
void gather_tile(const Call& c, const Tensor& from, uint64_t row, size_t n, T* tile) {
  alignas(64) T planes[kTurned * kPlane];
  const size_t classes = static_cast<size_t>(c.columns);
  for (size_t first = 0; first < classes; first += kTurned) {
    const size_t count = classes - first < kTurned ? classes - first : kTurned;
    read_planes(c, from, row, n, first, count, planes);
    for (size_t r = 0; r < n; ++r) {
      T* to = tile + r * classes + first;
      if (count == kTurned) {
        for (size_t k = 0; k < kTurned; ++k) to[k] = planes[k * kPlane + r];
      } else {
        for (size_t k = 0; k < count; ++k) to[k] = planes[k * kPlane + r];
      }
    }
  }
}

template <class T>
void scatter_tile(const Call& c, const T* tile, uint64_t row, size_t n, const MutableTensor& to) {
  constexpr size_t kRows = 8;  // as many lines as a set of the cache holds, if all fall into one
  alignas(64) T planes[kTurned * kPlane];
  const size_t classes = static_cast<size_t>(c.columns);
  for (size_t first = 0; first < classes; first += kTurned) {
    const size_t count = classes - first < kTurned ? classes - first : kTurned;
    // Contiguous stores: a machine that can scatter a vector is slow at it.
    size_t r = 0;
    for (; r + kRows <= n; r += kRows) {
      for (size_t k = 0; k < count; ++k) {
        const T* from = tile + r * classes + first + k;
        T* out = planes + k * kPlane + r;
        for (size_t i = 0; i < kRows; ++i) out[i] = from[i * classes];
      }
    }
    for (; r < n; ++r) {
      for (size_t k = 0; k < count; ++k) planes[k * kPlane + r] = tile[r * classes + first + k];
    }
    write_planes(c, to, row, n, first, count, planes);
  }
}

/** n numbers of a tensor that has one for each row; an absent one stays so. */
template <class Any>
LOSSKIT_INLINE Any part_of(const Any& t, uint64_t at, size_t n) {
  if (t.data == nullptr) return t;
  Any part = t;
  if constexpr (requires { static_cast<char*>(t.data); }) {
    part.data = static_cast<char*>(t.data) + at * kDtypeBytes[static_cast<int>(t.dtype)];
  } else {
    part.data = static_cast<const char*>(t.data) + at * kDtypeBytes[static_cast<int>(t.dtype)];
  }
  part.size = n;
  return part;
}

/** A walk over dense rows, for rows along any axis; a tile's gradient is written over its scores. What the
 * walk needs of scratch comes behind the tiles. */
template <class T, Walk<T> dense>
void along_axis(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  if (c.inner == 1) return dense(c, begin, end, sums, scratch);
  void* const own = static_cast<char*>(scratch) + tile_bytes<T>(c);
  const uint64_t most = tile_rows<T>(c);
  T* const scores = static_cast<T*>(scratch);
  T* const targets = scores + most * c.columns;
  size_t n;
  for (uint64_t row = begin; row < end; row += n) {
    n = static_cast<size_t>(end - row < most ? end - row : most);
    const uint64_t size = n * c.columns;
    Call tile = c;
    tile.inner = 1;
    tile.rows = n;
    tile.stream = false;
    gather_tile(c, c.inputs[0], row, n, scores);
    tile.inputs[0] = {scores, size, dtype_of<T>};
    if (has_float_targets(c)) {
      gather_tile(c, c.inputs[1], row, n, targets);
      tile.inputs[1] = {targets, size, dtype_of<T>};
    } else {
      tile.inputs[1] = part_of(c.inputs[1], row, n);
    }
    tile.upstream = part_of(c.upstream, row, n);
    tile.values = part_of(c.values, row, n);
    if (c.grads[0].data != nullptr) tile.grads[0] = {scores, size, dtype_of<T>};
    dense(tile, 0, n, sums, own);
    if (sums.fault.status != Status::ok) {
      sums.fault.index += row;
      return;
    }
    if (c.grads[0].data != nullptr) scatter_tile(c, scores, row, n, c.grads[0]);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
