import type { BindingArray } from '../binding.js'
import { accumulatorOf } from './accumulator.ts'
import { servesByDefault } from './backend/choose.ts'
import { type Call, prepare } from './call.ts'
import { type Configuration, configure } from './configuration.ts'
import type { Definition } from './definition.ts'
import { describe, descriptionOfDefinition } from './description.ts'
import { prepareRunThrough, runThrough, runThroughAside } from './outer.ts'
import type { Wanted } from './outputs.ts'
import { countOfLast, prepareRun, type Reduced, runAside, runNow, runPlain } from './run.ts'

const VALUE: Wanted = { value: true, grad: false, namesOut: false }
const GRAD: Wanted = { value: false, grad: true, namesOut: true }
const VALUE_AND_GRAD: Wanted = { value: true, grad: true, namesOut: true }
const BOUND_VALUE: Wanted = { value: true, grad: false, namesOut: true }

/** A form of a loss: its inputs in order, then its options. */
type Form<Result> = (...given: unknown[]) => Result

/** What every loss can do. `L` is the loss as its callers see it, with the types of its inputs and options. */
export function createLoss<L>(loss: Definition): L {
  const inputs = loss.inputs.length
  const { outer } = loss

  const now =
    (wanted: Wanted, result: Result): Form<unknown> =>
    (...given) => {
      const configuration = configure(loss, 'call', given[inputs])
      const call = prepare(loss, configuration, wanted, given.slice(0, inputs))
      return result(configuration, call, outer ? runThrough(loss, outer, call) : runNow(loss, call))
    }

  const aside =
    (wanted: Wanted, result: Result): Form<Promise<unknown>> =>
    async (...given) => {
      const configuration = configure(loss, 'async', given[inputs])
      const call = prepare(loss, configuration, wanted, given.slice(0, inputs))
      const { signal } = configuration
      const running = outer ? runThroughAside(loss, outer, call, signal) : runAside(loss, call, signal)
      return result(configuration, call, await running)
    }

  const bind: Form<unknown> = (...given) => {
    const configuration = configure(loss, 'bind', given[inputs])
    const wanted = configuration.grad ? VALUE_AND_GRAD : BOUND_VALUE
    const call = prepare(loss, configuration, wanted, given.slice(0, inputs))
    const compute = outer ? prepareRunThrough(loss, outer, call) : prepareReduced(loss, call)
    const run = () => toValue(configuration, call, compute())
    return Object.assign(run, { grad: call.gradients, values: call.values })
  }

  const value = withPlainPath(loss, now(VALUE, toValue))
  // Members of an object are named after it, but called by their own names.
  Object.defineProperty(value, 'name', { value: loss.name.slice(loss.name.lastIndexOf('.') + 1) })
  const asideValue = aside(VALUE, toValue)
  describe(value, descriptionOfDefinition(loss))
  const members = { lossName: loss.name, async: asideValue, bind, accumulator: accumulatorOf(loss) }
  if (loss.kernel.grads.length === 0) return Object.assign(value, members) as L
  return Object.assign(value, {
    ...members,
    grad: now(GRAD, toGrad),
    valueAndGrad: now(VALUE_AND_GRAD, toValueAndGrad),
    async: Object.assign(asideValue, {
      grad: aside(GRAD, toGrad),
      valueAndGrad: aside(VALUE_AND_GRAD, toValueAndGrad),
    }),
  }) as L
}

function prepareReduced(loss: Definition, call: Call): () => Reduced {
  const compute = prepareRun(loss, call)
  return () => ({ value: compute(), count: countOfLast() })
}

/** The value of two flat arrays without options, the commonest call, goes the short way. */
function withPlainPath(loss: Definition, value: Form<unknown>): Form<unknown> {
  const plain = loss.driver.plain?.(loss)
  if (plain === undefined) return value
  const { outer } = loss
  return (first, second, options) => {
    if (options === undefined && servesByDefault) {
      const numbers = plain(first, second)
      if (numbers !== undefined) {
        const reduced = runPlain(loss, numbers, first as BindingArray, second as BindingArray)
        return outer === undefined ? reduced : outer.of(reduced)
      }
    }
    return value(first, second, options)
  }
}

type Result = (configuration: Configuration, call: Call, reduced: Reduced) => unknown

const toValue: Result = ({ reduction, zeroWhenEmpty }, call, { value, count }) => {
  if (reduction === 'none') return call.values
  // NaN is what the mean of nothing is, but NaN may also stand in the inputs.
  return zeroWhenEmpty && count === 0 && Number.isNaN(value) ? 0 : value
}

const toGrad: Result = (_configuration, call) => call.gradients

const toValueAndGrad: Result = (configuration, call, reduced) => ({
  value: toValue(configuration, call, reduced),
  grad: call.gradients,
})
