/** Stable names of what can go wrong. The wording of a message may change, its code never does. */
export type ErrorCode =
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_OPTION'
  | 'ERR_LABEL'
  | 'ERR_DOMAIN'
  | 'ERR_OUT'
  | 'ERR_OVERLAP'
  | 'ERR_DETACHED'
  | 'ERR_STATE'
  | 'ERR_BACKEND'
  | 'ERR_DEVICE'
  | 'ERR_DEVICE_LOST'
  | 'ERR_DEVICE_MEMORY'
  | 'ERR_DISPOSED'
  | 'ERR_LOAD'

/** Base of every error that losskit throws on purpose. Its message names the argument, what it got and what it takes. */
export class LosskitError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    // As in Node's own errors, the first line of the stack names the code.
    if (this.stack !== undefined) this.stack = this.stack.replace(this.name, `${this.name} [${code}]`)
  }

  override toString(): string {
    return `${this.name} [${this.code}]: ${this.message}`
  }
}

/** `ERR_SHAPE`: the shapes or lengths of the inputs do not fit together. */
export class LosskitShapeError extends LosskitError {
  constructor(message: string) {
    super('ERR_SHAPE', message)
  }
}

/** `ERR_DTYPE`: not a tensor, or one of a type that cannot stand where it was given. */
export class LosskitDtypeError extends LosskitError {
  constructor(message: string) {
    super('ERR_DTYPE', message)
  }
}

/** `ERR_OPTION`: an option that does not exist, or a value outside its domain. */
export class LosskitOptionError extends LosskitError {
  constructor(message: string) {
    super('ERR_OPTION', message)
  }
}

/** `ERR_LABEL`: a class label that names no class. */
export class LosskitLabelError extends LosskitError {
  /** The row that holds the label. */
  readonly row: number
  readonly label: number

  constructor(message: string, row: number, label: number) {
    super('ERR_LABEL', message)
    this.row = row
    this.label = label
  }
}

/** `ERR_DOMAIN`: a value for which the loss is not defined. */
export class LosskitDomainError extends LosskitError {
  /** The element that holds the value. */
  readonly index: number
  readonly value: number

  constructor(message: string, index: number, value: number) {
    super('ERR_DOMAIN', message)
    this.index = index
    this.value = value
  }
}

/** `ERR_OUT`, `ERR_OVERLAP`, `ERR_DETACHED`: memory that cannot be used as it was given. */
export class LosskitBufferError extends LosskitError {
  declare readonly code: 'ERR_OUT' | 'ERR_OVERLAP' | 'ERR_DETACHED'

  constructor(code: 'ERR_OUT' | 'ERR_OVERLAP' | 'ERR_DETACHED', message: string) {
    super(code, message)
  }
}

/** `ERR_STATE`: accumulators that do not belong together, bytes that are not an accumulator, or a value that is there no more. */
export class LosskitStateError extends LosskitError {
  constructor(message: string) {
    super('ERR_STATE', message)
  }
}

/** `ERR_BACKEND`: the backend that was asked for cannot serve the call. */
export class LosskitBackendError extends LosskitError {
  constructor(message: string) {
    super('ERR_BACKEND', message)
  }
}

/**
 * `ERR_DEVICE`: a CUDA device did not do what it was asked for. `ERR_DEVICE_LOST`: nor will it, in this process.
 * `ERR_DISPOSED`: something of a device was used after it had been disposed of.
 */
export class LosskitDeviceError extends LosskitError {
  declare readonly code: 'ERR_DEVICE' | 'ERR_DEVICE_LOST' | 'ERR_DEVICE_MEMORY' | 'ERR_DISPOSED'
  /** The number of the error in the CUDA runtime, where it comes from there. */
  readonly cuda: number | undefined

  constructor(code: LosskitDeviceError['code'], message: string, cuda?: number) {
    super(code, message)
    this.cuda = cuda
  }
}

/** `ERR_DEVICE_MEMORY`: there is not enough memory on a device, or of the kind that devices copy from. In bytes. */
export class LosskitDeviceMemoryError extends LosskitDeviceError {
  declare readonly code: 'ERR_DEVICE_MEMORY'
  readonly requested: number
  readonly free: number
  readonly total: number

  constructor(message: string, cuda: number, requested: number, free: number, total: number) {
    super('ERR_DEVICE_MEMORY', message, cuda)
    this.requested = requested
    this.free = free
    this.total = total
  }
}

/** `ERR_LOAD`: the native addon could not be loaded. `cause` holds what was caught on the way. */
export class LosskitLoadError extends LosskitError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_LOAD', message, options)
  }
}

const classes = {
  LosskitError,
  LosskitShapeError,
  LosskitDtypeError,
  LosskitOptionError,
  LosskitLabelError,
  LosskitDomainError,
  LosskitBufferError,
  LosskitStateError,
  LosskitBackendError,
  LosskitDeviceError,
  LosskitDeviceMemoryError,
  LosskitLoadError,
}

// Names stand on the prototypes: there while an error is made, when the stack is taken, and safe from minifiers.
for (const [name, { prototype }] of Object.entries(classes)) {
  Object.defineProperty(prototype, 'name', { value: name, writable: true, configurable: true })
}
