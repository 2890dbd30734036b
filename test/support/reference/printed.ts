import { expectAllPrinted, expectPrinted } from '../expect.ts'

/** A value of the reference, printed to the digits that are known. */
export const printed = (value: number, text: string) => expectPrinted(value, text, 'float64')

export const allPrinted = (values: readonly number[], ...texts: string[]) =>
  expectAllPrinted(values, texts, 'float64')
