/** Every operation of the REST interface, in the order in which openapi.yaml lists them. */
import { agreementsApi } from './agreements-api.ts'
import { clearanceApi } from './clearance-api.ts'
import { exchangeViewApi } from './exchange-view-api.ts'
import { ledgerApi } from './ledger-api.ts'
import type { ApiOperation } from './operation.ts'
import { previewApi } from './preview-api.ts'
import { recallApi } from './recall-api.ts'
import { releaseApi } from './release-api.ts'
import { vetoesApi } from './vetoes-api.ts'

export const OPERATIONS: readonly ApiOperation[] = [
  ...clearanceApi,
  ...previewApi,
  ...exchangeViewApi,
  ...releaseApi,
  ...agreementsApi,
  ...vetoesApi,
  ...ledgerApi,
  ...recallApi,
]
