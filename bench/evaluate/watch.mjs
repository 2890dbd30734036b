/** Loaded before the command: tells, through the fourth stream, how many KiB the process took at most. */

import { writeSync } from 'node:fs'

process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)))
