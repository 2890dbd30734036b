/**
 * Loaded into every Node of the run: whatever it starts as a Node like itself is emulated. Vitest starts its workers so, and tests
 * their programs.
 */

import { fileURLToPath } from 'node:url'

process.execPath = fileURLToPath(new URL('node', import.meta.url))
