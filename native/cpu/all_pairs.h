// The driver of rows of vectors against rows of vectors: x[M, D] against y[N, D], or embeddings against
// themselves. rows = M, columns = D, others = N.
//
// The scores of all pairs are never held. They come in tiles (pair_tiles.h), of which a first walk keeps what
// a row's softmax is made of, as softmax.h does: every 128 scores have their own maximum, and are combined in
// the order of the row, by strips of 4096. The gradient of a row walks the same tiles again, turns every
// score into the derivative by it, and adds the rows weighted so; the rows of y do the same with the sides
// exchanged, which gives each score the same bits. Vectors are not normalised but their scores are: that
// takes no copy.
#pragma once

#include "cpu/pair_tiles.h"
#include "cpu/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss>
constexpr bool is_self = Loss::clusters != Clusters::none;

/** Columns that are measured as one strip of a row. */
constexpr uint64_t kStrip = 4096;
/** Norms are taken to be at least this. */
constexpr double kLeastNorm = 1e-8;
/** Rows with numbers beyond, which only float64 has, are made smaller: their squares would overflow. */
constexpr double kLarge = 0x1p400, kShrunk = 0x1p-600;
constexpr uint64_t kNotPacked = ~uint64_t(0);

/** Rows that a thread takes at once: many, for each tile of the others is packed for them, but not so many
 * that threads lack blocks or sums lack cache. */
inline uint64_t block_of(uint64_t rows, uint64_t columns) {
  uint64_t block = kTile;
  while (block > 16 && (block * columns > (uint64_t(1) << 19) || rows < block * 8)) block /= 2;
  return block;
}
inline uint64_t block_of_x(const Call& c) { return block_of(c.rows, c.columns); }
inline uint64_t block_of_y(const Call& c) { return block_of(c.others, c.columns); }
inline uint64_t blocks_of_x(const Call& c) { return (c.rows + block_of_x(c) - 1) / block_of_x(c); }
inline uint64_t blocks_of_y(const Call& c) { return (c.others + block_of_y(c) - 1) / block_of_y(c); }

inline TileShape tiles_of_x(const Call& c) { return {smaller(block_of_x(c), c.rows), c.others, c.columns}; }
inline TileShape tiles_of_y(const Call& c) { return {smaller(block_of_y(c), c.others), c.rows, c.columns}; }
/** Without rows nothing bounds the columns. */
inline uint64_t score_scratch(const Call& c) { return c.rows == 0 ? 0 : tiles_of_x(c).bytes(false); }
inline uint64_t sum_scratch_of_x(const Call& c) { return c.rows == 0 ? 0 : tiles_of_x(c).bytes(true); }
inline uint64_t sum_scratch_of_y(const Call& c) { return c.others == 0 ? 0 : tiles_of_y(c).bytes(true); }

/** Of so many walks over all pairs: a step of a score costs half a nanosecond in eight, a pair some more. */
inline uint64_t pair_work(const Call& c, double walks) {
  const double pairs = static_cast<double>(c.rows) * static_cast<double>(c.others);
  const double work = walks * pairs * (static_cast<double>(c.columns) / 2 + 16);
  return work < 0x1p60 ? static_cast<uint64_t>(work) : uint64_t(1) << 60;
}
inline uint64_t score_walk_work(const Call& c) { return pair_work(c, 1); }
inline uint64_t sum_walk_work(const Call& c) { return pair_work(c, 2); }

/** Few rows have their strips measured by different threads, and kept apart until all are there. */
inline uint64_t strips_of(const Call& c) { return (c.others + kStrip - 1) / kStrip; }
inline uint64_t records_of(const Call& c) { return c.rows >= 4096 || strips_of(c) == 0 ? 1 : strips_of(c); }
inline uint64_t measured_items(const Call& c) { return blocks_of_x(c) * records_of(c); }

/** What is known of the rows of x, each an array: the derivative of the whole by a score of row i is
 * e^(s - max) factor - uniform q for most; see `slope_of` for positives. */
struct Rows {
  double *max, *factor, *uniform, *label_score, *label_slope, *positive, *shift;
  double *inverse_x, *inverse_y;  // of the norms
  double *scale_x, *scale_y;      // powers of two that keep the squares of float64 finite
  int64_t* labels;
  Chunk* measured;  // [row][record]
};

template <class Loss>
LOSSKIT_INLINE Rows rows_of(const Call& c) {
  double* p = static_cast<double*>(c.shared);
  const auto take = [&](uint64_t n) {
    double* const taken = p;
    p += n;
    return taken;
  };
  Rows r;
  double** const arrays[] = {&r.max,      &r.factor, &r.uniform,   &r.label_score, &r.label_slope,
                             &r.positive, &r.shift,  &r.inverse_x, &r.scale_x};
  for (double** array : arrays) *array = take(c.rows);
  r.inverse_y = is_self<Loss> ? r.inverse_x : take(c.others);
  r.scale_y = is_self<Loss> ? r.scale_x : take(c.others);
  r.labels = reinterpret_cast<int64_t*>(take(c.rows));
  r.measured = reinterpret_cast<Chunk*>(p);
  return r;
}
inline uint64_t rows_bytes(const Call& c) {
  return (10 * c.rows + 2 * c.others) * sizeof(double) + c.rows * records_of(c) * sizeof(Chunk);
}

template <class Loss, class T>
LOSSKIT_INLINE Matrix matrix_x(const Call& c, const Rows& r) {
  return {c.inputs[0], c.rows, c.columns, Loss::cosine && sizeof(T) == 8 ? r.scale_x : nullptr};
}
template <class Loss, class T>
LOSSKIT_INLINE Matrix matrix_y(const Call& c, const Rows& r) {
  if constexpr (is_self<Loss>) return matrix_x<Loss, T>(c, r);
  return {c.inputs[1], c.others, c.columns, Loss::cosine && sizeof(T) == 8 ? r.scale_y : nullptr};
}

// ---- Before all pairs: norms and labels.

/** A row in blocks of float64, in vectors of which the last is filled with zeros. */
template <class T, class Use>
LOSSKIT_INLINE void each_block(const Matrix& m, uint64_t row, Use use) {
  double block[kDepth];
  const Doubles scale(m.scale(row));
  for (uint64_t k = 0; k < m.columns; k += kDepth) {
    const size_t n = static_cast<size_t>(smaller(m.columns - k, kDepth));
    widen_block<T>(m.tensor, row * m.columns + k, n, block);
    for (size_t i = 0; i < n; i += 16) {
      use(load_some<Doubles>(block + i, n - i, 0) * scale, k + i, n - i < 16 ? n - i : 16);
    }
  }
}

/** The scale of a row. */
template <class T>
double scale_of(const Matrix& m, uint64_t row) {
  if constexpr (sizeof(T) == 4) return 1;
  Doubles most(0);
  each_block<T>({m.tensor, m.rows, m.columns, nullptr}, row,
                [&](Doubles x, uint64_t, size_t) LOSSKIT_LAMBDA { most = max(abs(x), most); });
  return greatest(most) >= kLarge ? kShrunk : 1;
}

/** 1 / norm, of a row as it is scaled; the squares are added in sixteen lanes. */
template <class T>
double inverse_norm(const Matrix& m, uint64_t row) {
  Doubles sum(0);
  each_block<T>(m, row, [&](Doubles x, uint64_t, size_t) LOSSKIT_LAMBDA { sum = fma(x, x, sum); });
  const double norm = of_one(sum_lanes(sum), [](auto v) { return sqrt(v); });
  return 1 / (norm < kLeastNorm ? kLeastNorm : norm);
}

template <class Loss>
uint64_t prepared_items(const Call& c) {
  return is_self<Loss> || !Loss::cosine ? c.rows : c.rows + c.others;
}

template <class Loss, class T>
void prepare_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const Rows rows = rows_of<Loss>(c);
  const uint64_t of_x = smaller(end, c.rows);
  if constexpr (Loss::labels < 0) {
    for (uint64_t i = begin; i < of_x; ++i) rows.labels[i] = static_cast<int64_t>(i);
  } else if constexpr (is_self<Loss>) {
    if (begin < of_x) read_as(c.inputs[Loss::labels], begin, of_x - begin, rows.labels + begin);
  } else {
    for (uint64_t i = begin; i < of_x; i += kRowGroup) {
      const size_t n = static_cast<size_t>(smaller(of_x - i, kRowGroup));
      if (!read_labels(c, Loss::labels, c.others, i, n, rows.labels + i, sums.fault)) return;
    }
  }
  if constexpr (Loss::cosine) {
    const Matrix x = matrix_x<Loss, T>(c, rows), y = matrix_y<Loss, T>(c, rows);
    for (uint64_t i = begin; i < of_x; ++i) {
      rows.scale_x[i] = scale_of<T>(x, i);
      rows.inverse_x[i] = inverse_norm<T>(x, i);
    }
    for (uint64_t i = begin < c.rows ? 0 : begin - c.rows; c.rows + i < end; ++i) {
      rows.scale_y[i] = scale_of<T>(y, i);
      rows.inverse_y[i] = inverse_norm<T>(y, i);
    }
  }
}

/** Counts the rows of clusters of more than one: those that have a loss. */
template <class T>
void survey_anchors(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  int64_t own[kRowGroup], others[kRowGroup];
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = static_cast<size_t>(smaller(end - at, kRowGroup));
    read_as(c.inputs[1], at, n, own);
    bool found[kRowGroup] = {};
    size_t left = n;
    for (uint64_t j = 0; j < c.rows && left != 0; j += kRowGroup) {
      const size_t count = static_cast<size_t>(smaller(c.rows - j, kRowGroup));
      read_as(c.inputs[1], j, count, others);
      for (size_t i = 0; i < n; ++i) {
        if (found[i]) continue;
        int same = 0;
        for (size_t k = 0; k < count; ++k) same += others[k] == own[i];
        const bool sees_itself = at + i >= j && at + i < j + count;
        found[i] = same > (sees_itself ? 1 : 0);
        left -= found[i] ? 1 : 0;
      }
    }
    sums.count += n - left;
  }
}

template <class T>
void survey_targets(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  survey_labels<T, 2>(c, c.others, begin, end, sums);
}

// ---- Scores, in tiles.

/** One side of the pairs: its rows, and the inverses of their norms. */
struct Side {
  Matrix matrix;
  const double* inverse;
};
template <class Loss, class T>
LOSSKIT_INLINE Side side_x(const Call& c, const Rows& r) {
  return {matrix_x<Loss, T>(c, r), r.inverse_x};
}
template <class Loss, class T>
LOSSKIT_INLINE Side side_y(const Call& c, const Rows& r) {
  return {matrix_y<Loss, T>(c, r), r.inverse_y};
}

/** Lanes from n on become -inf, which no sum of exponentials notices. */
LOSSKIT_INLINE Doubles only_scores(Doubles s, size_t n) {
  constexpr double kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  if (n >= 16) return s;
  return select(Doubles::load(kOnes, n, 0) == Doubles(0), Doubles(-infinity<double>), s);
}

/** Turns products of row `row` into its scores: cosines over the temperature, or with a bias. */
template <class Loss, class T, bool transposed>
LOSSKIT_INLINE void finish_scores(const Call& c, const Side& a, uint64_t row, const Side& b, uint64_t other,
                                  size_t n, double* s) {
  double bias[kTile];
  constexpr bool biased = Loss::inputs == 4;
  if constexpr (biased) {
    if (transposed) {
      bias[0] = read_one<double>(c.inputs[3], row);
    } else {
      widen_block<T>(c.inputs[3], other, n, bias);
    }
  }
  for (size_t i = 0; i < n; i += 16) {
    Doubles score = Doubles::load(s + i);
    if constexpr (Loss::cosine) {
      const Doubles norms = Doubles(a.inverse[row]) * load_some<Doubles>(b.inverse + other + i, n - i, 0);
      score = score * (norms * Doubles(1 / c.params[0]));
    } else if constexpr (biased) {
      score = score + (transposed ? Doubles(bias[0]) : load_some<Doubles>(bias + i, n - i, 0));
    }
    only_scores(score, n - i).store(s + i);
  }
}

/** Walks all tiles of a block of rows of a: `use(other, n)` finds its scores in the tile. `wants(other, n)`
 * gives the register tiles to be computed, null for all. */
template <class Loss, class T, bool transposed, class Wants, class Use>
void walk_tiles(const Call& c, const Side& a, uint64_t row, uint64_t rows, const Side& b, uint64_t from,
                uint64_t to, const Tile& t, uint64_t& packed, Wants wants, Use use) {
  for (uint64_t other = from; other < to; other += kTile) {
    const uint64_t n = smaller(to - other, kTile);
    score_tile<T>(a.matrix, row, rows, b.matrix, other, n, packed == row, wants(other, n), t);
    if (c.columns <= kDepth) packed = row;
    for (uint64_t i = 0; i < rows; ++i) {
      finish_scores<Loss, T, transposed>(c, a, row + i, b, other, n, t.scores_of(i));
    }
    use(other, n);
  }
}
inline const bool* wants_all(uint64_t, uint64_t) { return nullptr; }

/** 1 where a row's label is that of the others, but for the row itself; 0 up to whole vectors. */
LOSSKIT_INLINE void match_labels(const int64_t* labels, uint64_t row, uint64_t other, size_t n,
                                 double* matches) {
  const int64_t own = labels[row];
  for (size_t j = 0; j < n; ++j) matches[j] = labels[other + j] == own ? 1 : 0;
  for (size_t j = n; j % 16 != 0; ++j) matches[j] = 0;
  if (row >= other && row < other + n) matches[row - other] = 0;
}

// ---- The first walk: what the softmax of a row is made of.

constexpr Chunk kNothing = {-infinity<double>, 0, 0, 0, 0};

/** Measures scores of which some are infinite, as products of finite numbers may be: those are the ones, and
 * all others are infinitely far below. NaN stays. */
Chunk measure_infinite(const double* s, size_t n, const double* q) {
  Chunk chunk = {infinity<double>, 0, 0, 0, 0};
  for (size_t j = 0; j < n; ++j) {
    const bool is_one = s[j] == infinity<double>;
    chunk.ones += is_one ? 1 : 0;
    if (!(s[j] <= infinity<double>)) chunk.rest = s[j];
    if (q == nullptr || q[j] == 0) continue;
    if (!is_one) chunk.dot = q[j] * infinity<double>;
    chunk.mass += q[j];
  }
  return chunk;
}

/** Measures whole vectors of scores; `q` are the weights of the dense part of a loss. */
template <bool dense>
Chunk measure_row(const double* s, size_t n, const double* q) {
  Doubles most(-infinity<double>);
  for (size_t i = 0; i < n; i += 16) most = max(Doubles::load(s + i), most);
  const double largest = greatest(most), shift = largest == -infinity<double> ? 0 : largest;
  if (largest == infinity<double>) return measure_infinite(s, n, q);
  Doubles one(0), rest(0), dot(0), mass(0);
  for (size_t i = 0; i < n; i += 16) {
    const Doubles score = Doubles::load(s + i), e = exp_flushed(score - Doubles(shift));
    const auto is_one = e == Doubles(1);
    one = one + select(is_one, Doubles(1), Doubles(0));
    rest = rest + select(is_one, Doubles(0), e);
    if constexpr (dense) {
      const Doubles weight = Doubles::load(q + i);
      const Doubles below = select(weight == Doubles(0), Doubles(0), Doubles(shift) - score);
      dot = fma(weight, below, dot);
      mass = mass + weight;
    }
  }
  return {largest, sum_lanes(one), sum_lanes(rest), sum_lanes(dot), sum_lanes(mass)};
}

/** The class weights of a tile, or ones. */
template <class T>
LOSSKIT_INLINE void read_class_weights(const Call& c, uint64_t other, size_t n, double* q) {
  if (c.weight.data != nullptr) {
    widen_block<T>(c.weight, other, n, q);
  } else {
    for (size_t j = 0; j < n; ++j) q[j] = 1;
  }
  for (size_t j = n; j % 16 != 0; ++j) q[j] = 0;
}

template <class Loss, class T>
Chunk measure_scores_of(const Call& c, const Rows& r, uint64_t row, uint64_t other, size_t n, double* s,
                        const double* class_weights) {
  if constexpr (!is_self<Loss>) {
    const uint64_t label = static_cast<uint64_t>(r.labels[row]) - other;
    if (r.labels[row] >= static_cast<int64_t>(other) && label < n) r.label_score[row] = s[label];
    if (c.label_smoothing != 0) return measure_row<true>(s, n, class_weights);
    return measure_row<false>(s, n, nullptr);
  } else {
    double matches[kTile];
    match_labels(r.labels, row, other, n, matches);
    if (row >= other && row < other + n) s[row - other] = -infinity<double>;
    if constexpr (Loss::clusters == Clusters::together) return measure_row<true>(s, n, matches);
    for (size_t j = 0; j < n; ++j) {
      if (matches[j] != 0) s[j] = -infinity<double>;
    }
    return measure_row<false>(s, n, nullptr);
  }
}

/** The row up to a part, with the part; infinite maxima are equal. */
inline Chunk combine_parts(const Chunk& a, const Chunk& b) {
  if (a.max < infinity<double> || b.max < infinity<double>) return combine(a, b);
  return {a.max, a.ones + b.ones, a.rest + b.rest, a.dot + b.dot, a.mass + b.mass};
}
LOSSKIT_INLINE void combine_into(Chunk& whole, const Chunk& part, bool first) {
  whole = first ? part : combine_parts(whole, part);
}

template <class Loss, class T>
void measure_pairs(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const uint64_t block = block_of_x(c), records = records_of(c);
  Chunk whole[kTile], strip[kTile];
  double class_weights[kTile];
  uint64_t packed = kNotPacked;
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item / records * block, record = item % records;
    const uint64_t rows = smaller(c.rows - row, block);
    const uint64_t from = record * kStrip, to = records == 1 ? c.others : smaller(c.others, from + kStrip);
    for (uint64_t i = 0; i < rows; ++i) whole[i] = kNothing;
    for (uint64_t start = from; start < to; start += kStrip) {
      const auto measure = [&](uint64_t other, uint64_t n) {
        if (!is_self<Loss> && c.label_smoothing != 0) read_class_weights<T>(c, other, n, class_weights);
        for (uint64_t i = 0; i < rows; ++i) {
          const Chunk chunk =
              measure_scores_of<Loss, T>(c, r, row + i, other, n, t.scores_of(i), class_weights);
          combine_into(strip[i], chunk, other == start);
        }
      };
      walk_tiles<Loss, T, false>(c, x, row, rows, y, start, smaller(to, start + kStrip), t, packed, wants_all,
                                 measure);
      for (uint64_t i = 0; i < rows; ++i) combine_into(whole[i], strip[i], start == from);
    }
    for (uint64_t i = 0; i < rows; ++i) r.measured[(row + i) * records + record] = whole[i];
  }
}

// ---- The value of a row, and what its derivatives are made of.

LOSSKIT_INLINE double log_sum_of(const Chunk& whole) {
  return of_one((whole.ones - 1) + whole.rest, [](auto v) { return log1p(v); });
}

/** Of all scores of a row. */
LOSSKIT_INLINE Chunk whole_row(const Call& c, const Rows& r, uint64_t row) {
  const uint64_t records = records_of(c);
  Chunk whole = r.measured[row * records];
  for (uint64_t k = 1; k < records; ++k) combine_into(whole, r.measured[row * records + k], false);
  return whole;
}

/** A row's value, its weight in the divisor of the mean, and whether it counts. */
struct RowValue {
  double value, weight;
  bool counts;
};

template <class Loss>
constexpr double inverse_temperature(const Call& c) {
  return Loss::cosine ? 1 / c.params[0] : 1;
}

/** The cross-entropy of a row's scores and its label; see finish_row in softmax.h. */
template <class Loss, class T>
RowValue finish_labelled(const Call& c, const Rows& r, uint64_t row) {
  const int64_t label = r.labels[row];
  r.max[row] = r.factor[row] = r.uniform[row] = r.label_slope[row] = 0;
  if (label == kIgnored) return {0, 0, false};
  const Chunk whole = whole_row(c, r, row);
  const double sum = whole.ones + whole.rest, log_sum = log_sum_of(whole);
  const double nll = (whole.max - r.label_score[row]) + log_sum;
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  const double p_less_one = of_one(-nll, [](auto v) { return expm1(v); });
  const double weight =
      c.weight.data != nullptr ? read_one<double>(c.weight, static_cast<uint64_t>(label)) : 1;
  r.max[row] = whole.max;
  if (c.label_smoothing == 0) {
    r.factor[row] = incoming * weight / sum;
    r.label_slope[row] = incoming * weight * p_less_one;
    return {weight * nll, weight, true};
  }
  const double keep = (1 - c.label_smoothing) * weight;
  const double floor = c.label_smoothing / static_cast<double>(c.others);
  r.factor[row] = incoming * (keep + floor * whole.mass) / sum;
  r.uniform[row] = incoming * floor;
  r.label_slope[row] = incoming * (keep * p_less_one + floor * (whole.mass * (p_less_one + 1) - weight));
  return {keep * nll + floor * (whole.dot + whole.mass * log_sum), weight, true};
}

/** The mean over a row's positives of their cross-entropies. */
template <class Loss>
RowValue finish_together(const Call& c, const Rows& r, uint64_t row) {
  const Chunk whole = whole_row(c, r, row);
  r.max[row] = whole.max;
  r.factor[row] = r.positive[row] = r.shift[row] = 0;
  if (whole.mass == 0) return {0, 0, false};
  const double log_sum = log_sum_of(whole);
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  r.factor[row] = incoming / (whole.ones + whole.rest);
  r.positive[row] = incoming / whole.mass;
  r.shift[row] = (whole.max + log_sum) - of_one(whole.mass, [](auto v) { return log(v); });
  return {whole.dot / whole.mass + log_sum, 1, true};
}

/** What a row's positives add up to where each stands against the negatives alone. */
struct PositiveSums {
  Doubles value{0}, slope{0}, count{0};
};

template <class Loss>
RowValue finish_apart(const Call& c, const Rows& r, uint64_t row, const PositiveSums& positives) {
  const double count = sum_lanes(positives.count), slope = sum_lanes(positives.slope);
  const double negatives = r.factor[row];  // the sum of their exponentials, so far
  r.factor[row] = r.positive[row] = 0;
  if (count == 0) return {0, 0, false};
  const double incoming = incoming_gradient(c, row) * inverse_temperature<Loss>(c);
  r.positive[row] = incoming / count;
  r.factor[row] = negatives == 0 ? 0 : incoming / count * slope / negatives;
  return {sum_lanes(positives.value) / count, 1, true};
}

template <class Loss, class T>
void sum_positives(const Call& c, const Rows& r, uint64_t row, uint64_t rows, PositiveSums* sums,
                   const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    const Chunk whole = whole_row(c, r, row + i);
    r.max[row + i] = whole.max;
    r.shift[row + i] = whole.max + log_sum_of(whole);
    r.factor[row + i] = whole.ones + whole.rest;
    sums[i] = {};
  }
  const Side x = side_x<Loss, T>(c, r);
  uint64_t packed = kNotPacked;
  // Positives are few: only the register tiles that hold some are computed.
  bool wanted[kRegisterTiles];
  double matches[kTile];
  const auto wants = [&](uint64_t other, uint64_t n) -> const bool* {
    for (uint64_t k = 0; k < kRegisterTiles; ++k) wanted[k] = false;
    for (uint64_t i = 0; i < rows; ++i) {
      match_labels(r.labels, row + i, other, n, matches);
      for (uint64_t j = 0; j < n; ++j) wanted[i / kGroup * kPanels + j / kLanes] |= matches[j] != 0;
    }
    return wanted;
  };
  const auto add = [&](uint64_t other, uint64_t n) {
    for (uint64_t i = 0; i < rows; ++i) {
      match_labels(r.labels, row + i, other, n, matches);
      const double* const s = t.scores_of(i);
      for (uint64_t j = 0; j < n; j += 16) {
        const Doubles match = Doubles::load(matches + j);
        const auto is_positive = match == Doubles(1);
        if (!any(is_positive)) continue;
        const Doubles above = Doubles(r.shift[row + i]) - Doubles::load(s + j);
        sums[i].value = sums[i].value + select(is_positive, softplus(above), Doubles(0));
        sums[i].slope = sums[i].slope + select(is_positive, sigmoid(above), Doubles(0));
        sums[i].count = sums[i].count + match;
      }
    }
  };
  walk_tiles<Loss, T, false>(c, x, row, rows, x, 0, c.rows, t, packed, wants, add);
}

// ---- Gradients.

/** The derivative by a score of a row without clusters: of all but the label's. */
LOSSKIT_INLINE Doubles slope_of(Doubles s, Doubles max, Doubles factor, Doubles uniform, Doubles q) {
  const Doubles e = exp_flushed(s - max);
  // Rows that do not count add nothing, whatever they hold.
  return select(factor == Doubles(0), Doubles(0), fma(e, factor, Doubles(0) - uniform * q));
}

/** The same of a row of a cluster. */
template <class Loss, class Mask>
LOSSKIT_INLINE Doubles slope_of(Doubles s, Doubles max, Doubles factor, Doubles positive, Doubles shift,
                                Mask is_positive) {
  const Doubles e = exp_flushed(s - max) * factor;
  const Doubles slope = select(factor == Doubles(0), Doubles(0), e);
  if (!any(is_positive)) return slope;
  const Doubles own = Loss::clusters == Clusters::together ? expm1(s - shift) : -sigmoid(shift - s);
  return select(is_positive, select(positive == Doubles(0), Doubles(0), positive * own), slope);
}

/** Turns a tile of scores of x into derivatives. */
template <class Loss, class T>
void slopes_of_x(const Call& c, const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                 const Tile& t) {
  double q[kTile];
  read_class_weights<T>(c, other, n, q);
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const uint64_t at = row + i;
    const Doubles max(r.max[at]), factor(r.factor[at]), uniform(r.uniform[at]);
    for (uint64_t j = 0; j < n; j += 16) {
      slope_of(Doubles::load(s + j), max, factor, uniform, Doubles::load(q + j)).store(s + j);
    }
    const uint64_t label = static_cast<uint64_t>(r.labels[at]) - other;
    if (r.labels[at] >= static_cast<int64_t>(other) && label < n) s[label] = r.label_slope[at];
  }
}

/** Turns a tile of scores of y, whose columns are rows of x, into derivatives. */
template <class Loss, class T>
void slopes_of_y(const Call& c, const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                 const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const Doubles q(c.weight.data != nullptr ? read_one<double>(c.weight, row + i) : 1);
    for (uint64_t j = 0; j < n; j += 16) {
      const auto of_row = [&](const double* array)
                              LOSSKIT_LAMBDA { return load_some<Doubles>(array + other + j, n - j, 0); };
      slope_of(Doubles::load(s + j), of_row(r.max), of_row(r.factor), of_row(r.uniform), q).store(s + j);
    }
  }
  for (uint64_t j = 0; j < n; ++j) {
    const uint64_t label = static_cast<uint64_t>(r.labels[other + j]) - row;
    if (r.labels[other + j] >= static_cast<int64_t>(row) && label < rows) {
      t.scores_of(label)[j] = r.label_slope[other + j];
    }
  }
}

/** Turns a tile of scores of clusters into derivatives: a score is one of both its rows. */
template <class Loss>
void slopes_of_clusters(const Rows& r, uint64_t row, uint64_t rows, uint64_t other, uint64_t n,
                        const Tile& t) {
  double matches[kTile];
  for (uint64_t i = 0; i < rows; ++i) {
    double* const s = t.scores_of(i);
    const uint64_t at = row + i;
    match_labels(r.labels, at, other, n, matches);
    const Doubles max(r.max[at]), factor(r.factor[at]), positive(r.positive[at]), shift(r.shift[at]);
    for (uint64_t j = 0; j < n; j += 16) {
      const auto of_row = [&](const double* array)
                              LOSSKIT_LAMBDA { return load_some<Doubles>(array + other + j, n - j, 0); };
      const auto is_positive = Doubles::load(matches + j) == Doubles(1);
      const Doubles score = Doubles::load(s + j);
      const Doubles own = slope_of<Loss>(score, max, factor, positive, shift, is_positive);
      const Doubles theirs = slope_of<Loss>(score, of_row(r.max), of_row(r.factor), of_row(r.positive),
                                            of_row(r.shift), is_positive);
      (own + theirs).store(s + j);
    }
    if (at >= other && at < other + n) s[at - other] = 0;
  }
}

/** The derivative by normalised rows is one by the rows of the other side as they are. */
LOSSKIT_INLINE void divide_by_norms(const double* inverse, uint64_t other, uint64_t n, double* weights) {
  for (uint64_t j = 0; j < n; j += 16) {
    (Doubles::load(weights + j) * load_some<Doubles>(inverse + other + j, n - j, 0)).store(weights + j);
  }
}

/** Turns the gradient of a normalised row into that of the row: what is along the row changes only its norm.
 */
template <class T>
void project(const Matrix& m, uint64_t row, double inverse, double* sums) {
  const double back = inverse * m.scale(row);
  Doubles along(0);
  if (inverse != 1 / kLeastNorm) {
    each_block<T>(m, row, [&](Doubles x, uint64_t k, size_t n) LOSSKIT_LAMBDA {
      along = fma(x * Doubles(inverse), load_some<Doubles>(sums + k, n, 0), along);
    });
  }
  const Doubles length(-sum_lanes(along));
  each_block<T>(m, row, [&](Doubles x, uint64_t k, size_t n) LOSSKIT_LAMBDA {
    const Doubles across = fma(x * Doubles(inverse), length, load_some<Doubles>(sums + k, n, 0));
    (across * Doubles(back)).store(sums + k, n);
  });
}

template <class T>
void write_row(const MutableTensor& grad, uint64_t at, uint64_t columns, const double* sums) {
  T rounded[kDepth];
  for (uint64_t k = 0; k < columns; k += kDepth) {
    const size_t n = static_cast<size_t>(smaller(columns - k, kDepth));
    T* const out = output_block(grad, at + k, rounded);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<T>(sums[k + i]);
    flush_block(grad, at + k, n, out);
  }
}

/** Projects and writes the sums of a block of rows. */
template <class Loss, class T>
void write_block(const MutableTensor& grad, const Side& side, uint64_t row, uint64_t rows, const Tile& t) {
  for (uint64_t i = 0; i < rows; ++i) {
    if constexpr (Loss::cosine) project<T>(side.matrix, row + i, side.inverse[row + i], t.sums_of(i));
    write_row<T>(grad, (row + i) * side.matrix.columns, side.matrix.columns, t.sums_of(i));
  }
}

template <class Loss, class T>
void gradient_of_x(const Call& c, const Rows& r, uint64_t row, uint64_t rows, const Tile& t) {
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  uint64_t packed = kNotPacked;
  clear_sums(t.shape.rows, t);
  const auto add = [&](uint64_t other, uint64_t n) {
    if constexpr (is_self<Loss>) {
      slopes_of_clusters<Loss>(r, row, rows, other, n, t);
    } else {
      slopes_of_x<Loss, T>(c, r, row, rows, other, n, t);
    }
    if constexpr (Loss::cosine) {
      for (uint64_t i = 0; i < rows; ++i) divide_by_norms(y.inverse, other, n, t.scores_of(i));
    }
    add_tile<T>(rows, y.matrix, other, n, nullptr, t);
  };
  walk_tiles<Loss, T, false>(c, x, row, rows, y, 0, c.others, t, packed, wants_all, add);
  for (uint64_t i = 0; i < rows && !is_self<Loss>; ++i) {
    if (r.labels[row + i] != kIgnored) continue;
    for (uint64_t k = 0; k < c.columns; ++k) t.sums_of(i)[k] = 0;
  }
  write_block<Loss, T>(c.grads[0], x, row, rows, t);
}

/** Rows of the second side: the same with sides exchanged, and the sums of the slopes, which are those of a
 * bias. */
template <class Loss, class T>
void gradients_of_y(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_y(c));
  const Side x = side_x<Loss, T>(c, r), y = side_y<Loss, T>(c, r);
  const uint64_t block = block_of_y(c);
  bool is_ignored[kTile];
  Doubles bias[kTile];
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item * block, rows = smaller(c.others - row, block);
    uint64_t packed = kNotPacked;
    clear_sums(t.shape.rows, t);
    for (uint64_t i = 0; i < rows; ++i) bias[i] = Doubles(0);
    const auto add = [&](uint64_t other, uint64_t n) {
      slopes_of_y<Loss, T>(c, r, row, rows, other, n, t);
      for (uint64_t i = 0; i < rows; ++i) {
        if constexpr (Loss::cosine) divide_by_norms(x.inverse, other, n, t.scores_of(i));
        if constexpr (Loss::inputs == 4) {
          for (uint64_t j = 0; j < n; j += 16)
            bias[i] = bias[i] + load_some<Doubles>(t.scores_of(i) + j, n - j, 0);
        }
      }
      for (uint64_t j = 0; j < n; ++j) is_ignored[j] = r.labels[other + j] == kIgnored;
      add_tile<T>(rows, x.matrix, other, n, is_ignored, t);
    };
    walk_tiles<Loss, T, true>(c, y, row, rows, x, 0, c.rows, t, packed, wants_all, add);
    write_block<Loss, T>(c.grads[1], y, row, rows, t);
    if constexpr (Loss::inputs == 4) {
      double sums[kTile];
      for (uint64_t i = 0; i < rows; ++i) sums[i] = sum_lanes(bias[i]);
      write_row<T>(c.grads[2], row, rows, sums);
    }
  }
}

/** The values of a block of rows, and their gradients where they need no other block. */
template <class Loss, class T, bool with_gradient>
void finish_pairs(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const uint64_t block = block_of_x(c);
  RowGroup<T> group;
  PositiveSums positives[Loss::clusters == Clusters::apart ? kTile : 1];
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item * block, rows = smaller(c.rows - row, block);
    if constexpr (Loss::clusters == Clusters::apart) sum_positives<Loss, T>(c, r, row, rows, positives, t);
    size_t kept = 0;
    for (uint64_t i = 0; i < rows; ++i) {
      RowValue value;
      if constexpr (Loss::clusters == Clusters::none) {
        value = finish_labelled<Loss, T>(c, r, row + i);
      } else if constexpr (Loss::clusters == Clusters::together) {
        value = finish_together<Loss>(c, r, row + i);
      } else {
        value = finish_apart<Loss>(c, r, row + i, positives[i]);
      }
      group.values[i] = static_cast<T>(value.value);
      group.weights[i] = static_cast<T>(value.weight);
      kept += value.counts ? 1 : 0;
    }
    group.finish(c, row, rows, kept, sums, c.weight.data != nullptr);
    if constexpr (with_gradient) gradient_of_x<Loss, T>(c, r, row, rows, t);
  }
}

template <class Loss, class T>
void gradients_of_clusters(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const uint64_t block = block_of_x(c);
  for (uint64_t item = begin; item < end; ++item) {
    gradient_of_x<Loss, T>(c, r, item * block, smaller(c.rows - item * block, block), t);
  }
}

/** Finishing rows without gradients takes no walk, but for the positives that stand apart. */
template <class Loss>
uint64_t finish_work(const Call& c) {
  return Loss::clusters == Clusters::apart ? score_walk_work(c) : c.rows * 64;
}

template <class Loss, class T>
constexpr KernelEntry<T> pairs_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) {
    const bool has_gradient = &phases != entry.plan.phases + kValue;
    phases[0] = {prepare_rows<Loss, T>, prepared_items<Loss>, nullptr, nullptr};
    phases[1] = {measure_pairs<Loss, T>, measured_items, score_walk_work, score_scratch};
    phases[2] = {finish_pairs<Loss, T, false>, blocks_of_x, finish_work<Loss>, score_scratch};
    if (!has_gradient) continue;
    if constexpr (is_self<Loss>) {
      phases[3] = {gradients_of_clusters<Loss, T>, blocks_of_x, sum_walk_work, sum_scratch_of_x};
    } else {
      phases[2] = {finish_pairs<Loss, T, true>, blocks_of_x, sum_walk_work, sum_scratch_of_x};
      phases[3] = {gradients_of_y<Loss, T>, blocks_of_y, sum_walk_work, sum_scratch_of_y};
    }
  }
  entry.plan.shared = rows_bytes;
  if constexpr (is_self<Loss>) entry.survey = survey_anchors<T>;
  if constexpr (Loss::labels == 2) entry.survey = survey_targets<T>;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
