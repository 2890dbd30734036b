import type {
  FloatTensor,
  LabelTensor,
  NarrowFloatTensor,
  PlainNumbers,
  TensorObject,
  WideFloatTensor,
} from '../tensor/types.ts'

/**
 * What losses take, as tuples of their arguments in order. No input may be wider than the first: where there are several
 * tuples, the last is for a first input of float64.
 */

/** One tensor of floats. */
export type One = readonly [input: FloatTensor]

/** Predictions, and targets of any type: floats that are not wider, or whole numbers. */
export type Values =
  | readonly [pred: FloatTensor, target: NarrowFloatTensor | PlainNumbers | LabelTensor]
  | readonly [pred: WideFloatTensor, target: FloatTensor | LabelTensor]

/** Two tensors of one type of floats, both of which have gradients. */
export type Two =
  | readonly [first: FloatTensor, second: NarrowFloatTensor | PlainNumbers]
  | readonly [first: WideFloatTensor, second: FloatTensor]

/** Three of them. */
export type Three =
  | readonly [
      first: FloatTensor,
      second: NarrowFloatTensor | PlainNumbers,
      third: NarrowFloatTensor | PlainNumbers,
    ]
  | readonly [first: WideFloatTensor, second: FloatTensor, third: FloatTensor]

/** Two of them, and numbers that say what they are to each other. */
export type TwoAndValues =
  | readonly [
      first: FloatTensor,
      second: NarrowFloatTensor | PlainNumbers,
      label: NarrowFloatTensor | PlainNumbers | LabelTensor,
    ]
  | readonly [first: WideFloatTensor, second: FloatTensor, label: FloatTensor | LabelTensor]

/** A tensor of floats and class labels. */
export type Labelled = readonly [scores: FloatTensor, target: LabelTensor]

/** Two tensors of floats and class labels. */
export type TwoLabelled =
  | readonly [first: FloatTensor, second: NarrowFloatTensor | PlainNumbers, target: LabelTensor]
  | readonly [first: WideFloatTensor, second: FloatTensor, target: LabelTensor]

/** Scores, and labels or a probability for every class; the latter need scores that show their rows. */
export type Classes =
  | Labelled
  | readonly [scores: FloatTensor & Shown, target: Rows<NarrowFloatTensor | PlainNumbers>]
  | readonly [scores: WideFloatTensor & Shown, target: Rows<FloatTensor>]

type Shown = TensorObject<unknown, string> | readonly (readonly number[])[]

/** Flat plain numbers would be labels. */
type Rows<Target> = Exclude<Target, readonly number[]>
