import type { BindingArray } from '../binding.js'
import { accumulatorOf } from './accumulator.ts'
import { servesByDefault } from './backend/choose.ts'
import { type Call, isEmpty, prepare } from './call.ts'
import { type Configuration, configure } from './configuration.ts'
import type { Definition } from './definition.ts'
import type { Wanted } from './outputs.ts'
import { prepareRun, runAside, runNow, runPlain } from './run.ts'

const VALUE: Wanted = { value: true, grad: false, namesOut: false }
const GRAD: Wanted = { value: false, grad: true, namesOut: true }
const VALUE_AND_GRAD: Wanted = { value: true, grad: true, namesOut: true }
const BOUND_VALUE: Wanted = { value: true, grad: false, namesOut: true }

/** What every loss can do. `L` is the loss as its callers see it, with the types of its inputs and options. */
export function createLoss<L>(loss: Definition): L {
  const plain = loss.driver.plain(loss)

  function value(pred: unknown, target: unknown, options?: unknown): unknown {
    if (options === undefined && servesByDefault) {
      const numbers = plain(pred, target)
      if (numbers !== undefined) return runPlain(loss, numbers, pred as BindingArray, target as BindingArray)
    }
    return now(VALUE, toValue, pred, target, options)
  }

  function grad(pred: unknown, target: unknown, options?: unknown): unknown {
    return now(GRAD, toGrad, pred, target, options)
  }

  function valueAndGrad(pred: unknown, target: unknown, options?: unknown): unknown {
    return now(VALUE_AND_GRAD, toValueAndGrad, pred, target, options)
  }

  function now(wanted: Wanted, result: Result, pred: unknown, target: unknown, options: unknown): unknown {
    const configuration = configure(loss, 'call', options)
    const call = prepare(loss, configuration, wanted, pred, target)
    return result(loss, configuration, call, runNow(loss, call))
  }

  function aside(wanted: Wanted, result: Result) {
    return async (pred: unknown, target: unknown, options?: unknown): Promise<unknown> => {
      const configuration = configure(loss, 'async', options)
      const call = prepare(loss, configuration, wanted, pred, target)
      return result(loss, configuration, call, await runAside(loss, call, configuration.signal))
    }
  }

  function bind(pred: unknown, target: unknown, options?: unknown): unknown {
    const configuration = configure(loss, 'bind', options)
    const call = prepare(loss, configuration, configuration.grad ? VALUE_AND_GRAD : BOUND_VALUE, pred, target)
    const compute = prepareRun(loss, call)
    const run = () => toValue(loss, configuration, call, compute())
    return Object.assign(run, {
      grad: configuration.grad ? toGrad(loss, configuration, call) : undefined,
      values: call.values,
    })
  }

  Object.defineProperty(value, 'name', { value: loss.name })
  return Object.assign(value, {
    lossName: loss.name,
    grad,
    valueAndGrad,
    async: Object.assign(aside(VALUE, toValue), {
      grad: aside(GRAD, toGrad),
      valueAndGrad: aside(VALUE_AND_GRAD, toValueAndGrad),
    }),
    bind,
    accumulator: accumulatorOf(loss),
  }) as L
}

type Result = (loss: Definition, configuration: Configuration, call: Call, value: number) => unknown

function toValue(_loss: Definition, configuration: Configuration, call: Call, value: number): unknown {
  if (configuration.reduction === 'none') return call.values
  // NaN is what the mean of nothing is, but NaN may also stand in the inputs.
  if (configuration.zeroWhenEmpty && Number.isNaN(value) && isEmpty(call)) return 0
  return value
}

function toGrad(loss: Definition, _configuration: Configuration, call: Call): unknown {
  return { [loss.input]: call.gradient }
}

function toValueAndGrad(loss: Definition, configuration: Configuration, call: Call, value: number): unknown {
  return { value: toValue(loss, configuration, call, value), grad: toGrad(loss, configuration, call) }
}
