/** Every operation of the REST interface, in the order in which openapi.yaml lists them. */
import { clearanceApi } from './clearance-api.ts'
import { ledgerApi } from './ledger-api.ts'
import type { ApiOperation } from './operation.ts'
import { recallApi } from './recall-api.ts'
import { releaseApi } from './release-api.ts'

export const OPERATIONS: readonly ApiOperation[] = [
  ...clearanceApi,
  ...releaseApi,
  ...ledgerApi,
  ...recallApi,
]
