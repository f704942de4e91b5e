// The package as a user has it who installed it in `directory`.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

export function installed(directory) {
  const found = createRequire(join(directory, 'user.js')).resolve('productive-k3s-contract')
  return import(pathToFileURL(found))
}
