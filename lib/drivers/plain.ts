/** The frame of a call with default options, kept from call to call. */
export class Plain {
  /** What the frame's count of posts was when these numbers were the last. */
  posted = -1

  constructor(readonly numbers: number[]) {}
}

/**
 * The frame of a call with default options where both inputs are flat typed arrays that fit, undefined where they need a
 * closer look. Nothing is allocated: it is the same object each time, to be used at once. Calls of one loss and type of
 * scores may differ in sizes and in the type of the second input only.
 */
export type PlainCheck = (first: unknown, second: unknown) => Plain | undefined
