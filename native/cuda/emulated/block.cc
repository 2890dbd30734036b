#include "cuda/emulated/block.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bit>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/emulated/api.h"
#include "cuda/emulated/environment.h"
#include "cuda/emulated/stacks.h"
#include "cuda/emulated/warp.h"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace losskit::emulated {
namespace {

struct Lane {
  char* stack;    // null before the lane begins and after it ends
  void* pointer;  // where it stopped
  uint64_t brought, received;
  uint32_t mask, source;
  Meeting kind;
};

/** Sets of lanes, as bits. */
struct Warp {
  uint32_t alive, runnable, meeting;
  Lane lanes[32];
};

uint32_t bit(uint32_t lane) { return uint32_t{1} << lane; }

/** What the blocks of a cluster have in common. */
struct Cluster {
  unsigned size = 0, alive = 0, waiting = 0;
  int error = cudaSuccess;
};

class Block {
 public:
  Block() : warps_(kMostThreads / 32), shared_(new (std::align_val_t{128}) char[kMostShared]) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { operator delete[](shared_, std::align_val_t{128}); }

  /** Makes this block that of an index in the grid. */
  void begin(const Grid& grid, void (*function)(void*), void* argument, Cluster& cluster, unsigned index) {
    function_ = function;
    argument_ = argument;
    cluster_ = &cluster;
    index_ = index;
    // What nobody wrote is no number that a test would take for a result.
    memset(shared_, 0xff, grid.dynamic_shared);
    count_ = (grid.threads + 31) / 32;
    alive_ = grid.threads;
    cluster.alive += grid.threads;
    waiting_ = votes_ = 0;
    for (unsigned w = 0; w < count_; w++) {
      const unsigned lanes = grid.threads - 32 * w;
      Warp& warp = warps_[w];
      warp.alive = warp.runnable = lanes >= 32 ? ~uint32_t{0} : bit(lanes) - 1;
      warp.meeting = 0;
      for (Lane& lane : warp.lanes) lane.stack = nullptr;
    }
  }

  /** Lets every warp go on as far as it can; false if none could. */
  bool turn();

  /** Lets all threads that live go on. */
  void open() {
    for (unsigned w = 0; w < count_; w++) warps_[w].runnable = warps_[w].alive;
  }

  /** Threads that never end hold nothing but their stacks. */
  void abandon() {
    for (unsigned w = 0; w < count_; w++) {
      for (Lane& lane : warps_[w].lanes) {
        if (lane.stack != nullptr) stacks_.give(lane.stack);
      }
    }
  }

  Votes barrier(bool vote) {
    waiting_++;
    votes_ += vote;
    if (waiting_ == alive_) {
      count_votes();
      current_->runnable &= ~bit(lane());
    } else {
      pause();
    }
    return opened_;
  }

  uint64_t meet(uint32_t mask, Meeting kind, uint64_t brought, uint32_t source) {
    Warp& warp = *current_;
    const uint32_t self = bit(lane());
    Lane& own = warp.lanes[lane()];
    if ((mask & self) == 0) trap("a lane is not in the mask of its own meeting");
    own.brought = brought;
    own.source = source;
    own.mask = mask;
    own.kind = kind;
    warp.meeting |= self;
    if (complete(warp, mask)) {
      warp.runnable &= ~self;
    } else {
      pause();
    }
    return own.received;
  }

  void cluster_barrier();

  [[noreturn]] void trap(const char* why) {
    fail(why);
    pause();
    __builtin_unreachable();
  }

  void fail(const char* why) {
    fprintf(stderr, "emulated CUDA: block %u, thread %u: %s\n", blockIdx.x, threadIdx.x, why);
    cluster_->error = cudaErrorLaunchFailure;
  }

  char* shared() { return shared_; }
  const Cluster& cluster() const { return *cluster_; }
  unsigned index() const { return index_; }

 private:
  void resume(Warp& warp, unsigned w, uint32_t lane) {
    Lane& next = warp.lanes[lane];
    if (next.stack == nullptr) {
      next.stack = stacks_.take();
      next.pointer = prepare(next.stack, enter);
    }
    current_ = &warp;
    threadIdx = {32 * w + lane, 0, 0};
    switch_stacks(&scheduler_, next.pointer);
  }

  /** Gives the turn back, until the lane is runnable again. */
  void pause() { switch_stacks(&current_->lanes[lane()].pointer, scheduler_); }

  static void enter();

  /** Opens the barrier of the cluster if all that live have come to it. */
  void open_cluster();

  void end() {
    Warp& warp = *current_;
    Lane& own = warp.lanes[lane()];
    stacks_.give(own.stack);
    own.stack = nullptr;
    warp.alive &= ~bit(lane());
    alive_--;
    cluster_->alive--;
    if (alive_ > 0 && waiting_ == alive_) count_votes();
    open_cluster();
    // Those that waited for this lane wait for one less.
    for (uint32_t rest = warp.meeting; rest != 0; rest = rest & (rest - 1) & warp.meeting) {
      complete(warp, warp.lanes[std::countr_zero(rest)].mask);
    }
    pause();
  }

  void count_votes() {
    opened_ = {static_cast<int>(waiting_), static_cast<int>(votes_)};
    waiting_ = votes_ = 0;
    open();
  }

  /** Holds the meeting if all are there; they go on. */
  bool complete(Warp& warp, uint32_t mask) {
    const uint32_t wanted = mask & warp.alive;
    if (wanted == 0 || (wanted & warp.meeting) != wanted) return false;
    uint32_t votes = 0;
    const Meeting kind = warp.lanes[std::countr_zero(wanted)].kind;
    for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
      const int i = std::countr_zero(rest);
      const Lane& lane = warp.lanes[i];
      if (lane.mask != mask) return false;
      if (lane.kind != kind) {
        fail("lanes of a warp came to different kinds of meetings");
        return false;
      }
      votes |= uint32_t{lane.brought != 0} << i;
    }
    for (uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
      Lane& lane = warp.lanes[std::countr_zero(rest)];
      const bool came = lane.source < 32 && (wanted & bit(lane.source)) != 0;
      lane.received = kind != Meeting::shuffle ? votes
                      : came                   ? warp.lanes[lane.source].brought
                                               : ~uint64_t{0};
    }
    warp.meeting &= ~wanted;
    warp.runnable |= wanted;
    return true;
  }

  Stacks stacks_;
  std::vector<Warp> warps_;
  char* shared_;
  const bool backwards_ = environment().backwards;

  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
  unsigned count_ = 0;
  unsigned alive_ = 0, waiting_ = 0, votes_ = 0;
  Votes opened_{};
  Cluster* cluster_ = nullptr;
  unsigned index_ = 0;
  Warp* current_ = nullptr;
  void* scheduler_ = nullptr;
};

/** The block that runs on this thread; a pointer, as it is asked for at every barrier. */
LOSSKIT_EMULATED_LOCAL Block* running;
constinit thread_local Block* running = nullptr;

void Block::enter() {
  running->function_(running->argument_);
  running->end();
}

/** Those of this thread's cluster, in the order of their ranks; made when they are first needed. */
std::vector<std::unique_ptr<Block>>& blocks_of_this_thread() {
  thread_local std::vector<std::unique_ptr<Block>> blocks;
  return blocks;
}

bool Block::turn() {
  bool moved = false;
  running = this;
  blockIdx = {index_, 0, 0};
  for (unsigned i = 0; i < count_; i++) {
    const unsigned w = backwards_ ? count_ - 1 - i : i;
    Warp& warp = warps_[w];
    while (warp.runnable != 0) {
      moved = true;
      const auto lane = static_cast<uint32_t>(backwards_ ? 31 - std::countl_zero(warp.runnable)
                                                         : std::countr_zero(warp.runnable));
      warp.runnable &= ~bit(lane);
      resume(warp, w, lane);
      if (cluster_->error != cudaSuccess) return true;
    }
  }
  return moved;
}

void Block::open_cluster() {
  Cluster& cluster = *cluster_;
  if (cluster.alive == 0 || cluster.waiting != cluster.alive) return;
  cluster.waiting = 0;
  for (unsigned i = 0; i < cluster.size; i++) blocks_of_this_thread()[i]->open();
}

void Block::cluster_barrier() {
  cluster_->waiting++;
  open_cluster();
  if (cluster_->waiting == 0) {
    current_->runnable &= ~bit(lane());
  } else {
    pause();
  }
}

/** Runs the blocks from `first` on that make a cluster. */
int run_cluster(const Grid& grid, void (*function)(void*), void* argument, unsigned first) {
  auto& blocks = blocks_of_this_thread();
  while (blocks.size() < grid.cluster) blocks.push_back(std::make_unique<Block>());
  Cluster cluster{grid.cluster};
  for (unsigned i = 0; i < grid.cluster; i++) blocks[i]->begin(grid, function, argument, cluster, first + i);
  while (cluster.alive > 0 && cluster.error == cudaSuccess) {
    bool moved = false;
    for (unsigned i = 0; i < grid.cluster && cluster.error == cudaSuccess; i++) {
      moved |= blocks[environment().backwards ? grid.cluster - 1 - i : i]->turn();
    }
    if (!moved) blocks[0]->fail("threads wait for each other forever: not all came to a barrier");
  }
  if (cluster.error != cudaSuccess) {
    for (unsigned i = 0; i < grid.cluster; i++) blocks[i]->abandon();
  }
  return cluster.error;
}

}  // namespace

Votes barrier(bool vote) { return running->barrier(vote); }

uint64_t meet(uint32_t mask, Meeting kind, uint64_t brought, uint32_t source) {
  return running->meet(mask, kind, brought, source);
}

void trap(const char* why) { running->trap(why); }

void* dynamic_shared() { return running->shared(); }

unsigned cluster_size() { return running->cluster().size; }
unsigned rank_in_cluster() { return running->index() % cluster_size(); }
void synchronize_cluster() { running->cluster_barrier(); }

void* in_block(void* shared, unsigned rank) {
  if (rank >= cluster_size()) trap("the cluster has no such block");
  return blocks_of_this_thread()[rank]->shared() + (static_cast<char*>(shared) - running->shared());
}

namespace {

/** Shared memory is that of the one cluster that runs. */
constinit std::mutex one_grid;

}  // namespace

int run_grid(const Grid& grid, void (*function)(void*), void* argument) {
  const std::lock_guard lock(one_grid);
  blockDim = dim3(grid.threads);
  gridDim = dim3(grid.blocks);
  int error = cudaSuccess;
  const unsigned clusters = grid.blocks / grid.cluster;
  for (unsigned i = 0; i < clusters && error == cudaSuccess; i++) {
    const unsigned cluster = environment().backwards ? clusters - 1 - i : i;
    error = run_cluster(grid, function, argument, cluster * grid.cluster);
  }
  running = nullptr;
  return error;
}

}  // namespace losskit::emulated
