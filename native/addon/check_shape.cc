#include "addon/check_shape.h"

#include "addon/guard.h"

namespace losskit {
namespace {

bool is_float(Dtype dtype) { return dtype >= Dtype::float32 && dtype <= Dtype::bfloat16; }

bool is_absent(const Tensor& t) { return t.dtype == Dtype::absent; }

/** Present and repeating a whole number of times over so many numbers. */
bool repeats(const Tensor& t, uint64_t n) { return t.size == n || (t.size != 0 && n % t.size == 0); }

/** Whether a * b is `size`, which fits into memory. */
bool is_product(uint64_t size, uint64_t a, uint64_t b) {
  return a == 0 || b == 0 ? size == 0 : size % a == 0 && size / a == b;
}

/** What only losses of class labels have. */
void refuse_label_options(const Call& c) {
  require(!c.has_ignore_index && c.label_smoothing == 0, "options of another loss");
}

/** Whether input i has a gradient. */
bool has_gradient(const Kernel& kernel, int i) {
  for (int g = 0; g < kernel.grads; ++g) {
    if (kernel.grad_of[g] == i) return true;
  }
  return false;
}

void check_elements(const Call& c, const Kernel& kernel) {
  for (int i = 0; i < kernel.inputs; ++i) {
    const bool may_repeat = i == 2 && !has_gradient(kernel, i);
    require(c.inputs[i].size == c.rows || (may_repeat && repeats(c.inputs[i], c.rows)),
            "sizes of the inputs");
  }
  require(is_absent(c.weight) || repeats(c.weight, c.rows), "size of weight");
  refuse_label_options(c);
}

void check_rows(const Call& c, const Kernel& kernel) {
  const Tensor &scores = c.inputs[0], &target = c.inputs[1];
  const bool labelled = !is_float(target.dtype);
  require(c.columns != 0 || c.rows == 0, "columns");
  require(is_product(scores.size, c.rows, c.columns), "size of the scores");
  require(c.inner != 0 && c.rows % c.inner == 0, "inner");
  require(c.others == 0, "others");
  require(target.size == (labelled ? c.rows : scores.size), "size of the target");
  require(kernel.distributions || (labelled && c.label_smoothing == 0), "the loss takes labels only");
  require(is_absent(c.weight) || c.weight.size == c.columns, "size of weight");
}

void check_sequences(const Call& c) {
  const Tensor &scores = c.inputs[0], &labels = c.inputs[1];
  require(c.columns != 0 || c.rows == 0, "columns");
  require(c.rows == 0 ? scores.size == 0
                      : scores.size % c.rows == 0 && is_product(scores.size / c.rows, c.others, c.columns),
          "size of the scores");
  require(is_product(labels.size, c.rows, c.inner), "size of the labels");
  for (int i = 1; i < 4; ++i) require(!is_float(c.inputs[i].dtype), "dtype of labels or lengths");
  require(c.inputs[2].size == c.rows && c.inputs[3].size == c.rows, "lengths");
  const double blank = c.params[0];
  require(blank >= 0 && blank < 0x1p53 && static_cast<double>(static_cast<uint64_t>(blank)) == blank &&
              (c.rows == 0 || blank < static_cast<double>(c.columns)),
          "blank");
  require(is_absent(c.weight) || repeats(c.weight, c.rows), "size of weight");
  refuse_label_options(c);
}

void check_masks(const Call& c, const Kernel& kernel) {
  const Tensor &pred = c.inputs[0], &target = c.inputs[1];
  // What holds no pixel is bounded by no memory.
  require(c.columns != 0 || c.rows == 0, "columns");
  if (kernel.labels < 0) {
    require(is_product(pred.size, c.rows, c.columns) && target.size == pred.size, "sizes of the masks");
    refuse_label_options(c);
  } else {
    require(!is_float(target.dtype) && c.label_smoothing == 0, "the loss takes labels only");
    require(c.rows == 0 ? target.size == 0
                        : target.size % c.rows == 0 && is_product(target.size / c.rows, c.inner, c.columns),
            "size of the labels");
    require(is_product(pred.size, target.size, c.others), "size of the probabilities");
    require((c.inner != 0 && c.others != 0) || c.rows == 0, "inner or others");
  }
  require(is_absent(c.weight) || repeats(c.weight, c.rows), "size of weight");
}

void check_multilabel(const Call& c, const Kernel& kernel) {
  const Tensor &scores = c.inputs[0], &target = c.inputs[1];
  require(c.columns != 0 || c.rows == 0, "columns");
  require(is_product(scores.size, c.rows, c.columns) && target.size == scores.size, "sizes of the rows");
  require(c.inner == 1, "inner");
  require(kernel.labels < 0 || !is_float(target.dtype), "the loss takes labels only");
  require(is_absent(c.weight) || (kernel.labels < 0 && c.weight.size == c.columns), "size of weight");
}

void check_boxes(const Call& c) {
  for (int i = 0; i < 2; ++i) require(is_product(c.inputs[i].size, c.rows, 4), "sizes of the boxes");
  require(is_absent(c.weight) || repeats(c.weight, c.rows), "size of weight");
  refuse_label_options(c);
}

/** Vectors are the inputs with a gradient; a label may follow them. */
void check_pairs(const Call& c, const Kernel& kernel) {
  require(c.columns != 0 || c.rows == 0, "columns");
  for (int i = 0; i < kernel.grads; ++i) {
    require(is_product(c.inputs[i].size, c.rows, c.columns), "sizes of the vectors");
  }
  for (int i = kernel.grads; i < kernel.inputs; ++i) require(c.inputs[i].size == c.rows, "labels");
  require(is_absent(c.weight) || repeats(c.weight, c.rows), "size of weight");
  refuse_label_options(c);
}

/** Scores against scores have no columns; vectors have labels in their second or third input, or none. */
void check_all_pairs(const Call& c, const Kernel& kernel) {
  const Tensor &first = c.inputs[0], &second = c.inputs[1];
  const bool are_scores = kernel.labels < 0 && kernel.params == 0, are_classes = kernel.labels == 2;
  if (are_scores) {
    require(first.size == c.rows && second.size == c.others, "sizes of the scores");
  } else {
    require(c.columns != 0 || (c.rows == 0 && c.others == 0), "columns");
    require(is_product(first.size, c.rows, c.columns), "size of the rows");
    require(kernel.labels == 1 ? c.others == c.rows : is_product(second.size, c.others, c.columns),
            "size of the others");
    require(kernel.labels >= 0 || c.others >= c.rows, "a partner for each row");
  }
  if (kernel.labels >= 0) {
    const Tensor& labels = c.inputs[kernel.labels];
    require(!is_float(labels.dtype) && labels.size == c.rows, "the labels");
  }
  require(kernel.inputs < 4 || c.inputs[3].size == c.others, "size of the bias");
  if (!are_classes) refuse_label_options(c);
  require(is_absent(c.weight) || (are_classes && c.weight.size == c.others), "size of weight");
  require(kernel.params == 0 || c.params[0] > 0, "temperature");
}

}  // namespace

void check_shape(const Call& c, const Kernel& kernel) {
  switch (kernel.driver) {
    case Driver::elements:
      return check_elements(c, kernel);
    case Driver::rows:
      return check_rows(c, kernel);
    case Driver::masks:
      return check_masks(c, kernel);
    case Driver::sequences:
      return check_sequences(c);
    case Driver::all_pairs:
      return check_all_pairs(c, kernel);
    case Driver::multilabel:
      return check_multilabel(c, kernel);
    case Driver::boxes:
      return check_boxes(c);
    case Driver::pairs:
      return check_pairs(c, kernel);
  }
}

}  // namespace losskit
