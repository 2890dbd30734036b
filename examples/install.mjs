// Installs the packages that only one example needs, for each that is named.

import { install } from './shared/packages.mjs'

for (const example of process.argv.slice(2)) install(example)
