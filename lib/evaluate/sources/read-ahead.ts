/**
 * Asks for the next value while the current one is in use, so that reading and computing overlap. Leaving the loop waits
 * for the value under way and then ends the inner iteration.
 */
export async function* readAhead<T>(values: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const iterator = values[Symbol.asyncIterator]()
  let next = iterator.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done === true) return
      next = iterator.next()
      // A failure is reported when its turn comes, not as an unhandled rejection.
      next.catch(() => {})
      yield value
    }
  } finally {
    await next.catch(() => {})
    await iterator.return?.()
  }
}
