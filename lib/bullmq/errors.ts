import { EvaluateError } from '../evaluate/errors.ts'

/** `ERR_CLUSTER`: the server of a cluster cannot be reached, or does not know what it is asked for. */
export class ClusterError extends EvaluateError {
  override readonly name = 'ClusterError'
  readonly code = 'ERR_CLUSTER'
}
