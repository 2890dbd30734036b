// Adding a block while it is made, into windows placed by a guess.
//
// Windows lie where the range of a block says, which is known when all of it has been made; so a block is added
// in a second pass, and while that lasts no memory is read. But the blocks of a batch are much alike: windows
// that hold one are likely to hold the next. Its numbers go into them as they come, and its range then tells
// whether all of them fitted. If not, what moved is forgotten, and the block is added in a second pass.
#pragma once

#include "sum/deposit.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What each window of a guess moved. */
template <class V>
struct Moved {
  static constexpr int windows = 3;
  typename V::ints of[windows];

  LOSSKIT_INLINE void clear() {
    for (auto& moved : of) moved = 0;
  }
};

/** Float windows, and what they moved in all blocks since they were placed. */
template <class V>
struct Guess {
  static constexpr bool adds = true;
  static constexpr int windows = Moved<V>::windows;
  /** A lane moves by less than 2^22 for every eight numbers. */
  static constexpr int most_blocks = static_cast<int>(512 / (kBlock / V::lanes / kNarrowDepth));

  bool made = false;
  int top = 0, blocks = 0;
  Moved<V> moved;

  LOSSKIT_INLINE Windows<V, windows> start() const { return {top, kNarrowBits}; }
};

/** Of what is added in a second pass. */
struct NoGuess {
  static constexpr bool adds = false;
  LOSSKIT_INLINE int start() const { return 0; }
};

/** Adds what the windows moved so far. */
template <class V>
void settle(Guess<V>& guess, ExactSum<float>& sum) {
  if (guess.blocks != 0) add_moved<V>(guess.moved.of, guess.windows, guess.top, sum);
  guess.blocks = 0;
  guess.moved.clear();
}

/** Places windows by the range of a block, a binade higher than it needs, if they hold such a block. */
template <class V>
void guess_from(const Range<V>& range, Guess<V>& guess) {
  const auto largest = range.largest();
  guess.made = largest != 0 && largest < Bits<float>::exponent;
  if (!guess.made) return;
  Span span = Span::of(range);
  ++span.above;
  guess.made = span.is_narrow(guess.windows);
  guess.top = span.narrow_top();
  guess.moved.clear();
}

/** Takes what the windows moved with one more block, if the range of that shows that they held it. If they did
 * not, the guess is given up. */
template <class V>
bool take(const Moved<V>& moved, const Range<V>& range, Guess<V>& guess, ExactSum<float>& sum) {
  const auto largest = range.largest();
  if (largest == 0) return true;
  const Span span = Span::of(range);
  if (largest >= Bits<float>::exponent || span.narrow_top() > guess.top ||
      span.lowest < guess.top - kNarrowBits * (guess.windows - 1)) {
    settle(guess, sum);
    guess.made = false;
    return false;
  }
  guess.moved = moved;
  if (++guess.blocks == guess.most_blocks) settle(guess, sum);
  return true;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
