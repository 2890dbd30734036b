import { installApart } from '../../scripts/install-apart.mjs'
import { folder } from './packages.mjs'

installApart(folder, console.log)
