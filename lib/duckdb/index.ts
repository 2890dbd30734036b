export { type RegisterOptions, registerLosses } from './register.ts'
