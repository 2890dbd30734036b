// The memory traffic of a loss with the arithmetic left out: read one or two arrays side by side, write a
// third. A loss of more arrays is several transfers, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>

struct Transfer {
  const char* first;
  const char* second;  // null when one array is read
  char* out;           // null when nothing is written; may be first: an update in place
  size_t bytes;        // of each of them
};

// How it is done. What is fastest depends on the machine and the size, so all are tried.
struct Plan {
  int threads;
  bool streaming;  // stores that go around the caches
  int streams;     // 1: front to back; 4: four places of the array at once, which keeps more reads in flight
};

// Walks bytes [from, to) of the transfer; the result only keeps the reads alive.
using Walk = uint64_t (*)(const Transfer&, const Plan&, size_t from, size_t to);

uint64_t walk_baseline(const Transfer&, const Plan&, size_t from, size_t to);
uint64_t walk_avx2(const Transfer&, const Plan&, size_t from, size_t to);
uint64_t walk_avx512(const Transfer&, const Plan&, size_t from, size_t to);
