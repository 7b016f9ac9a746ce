import { randomUUID } from 'node:crypto'
import { parseJson, readText, sendJson } from '../service/json.ts'
import { answerError } from './answers.ts'
import type { Exchange, Route } from './exchange.ts'
import { answerThrift } from './thrift.ts'

const MAX_BODY_BYTES = 16 * 1024 * 1024
const STATEMENT = '/api/2\\.0/sql/statements/([0-9a-f-]{36})'

/** SQL statements, which all have one row at once, and Thrift over HTTP. */
export const sqlRoutes: readonly Route[] = [
  ['POST', /^\/api\/2\.0\/sql\/statements\/?$/, executeStatement],
  ['GET', new RegExp(`^${STATEMENT}$`), getStatement],
  ['DELETE', new RegExp(`^${STATEMENT}$`), ({ response }) => sendJson(response, 200, {})],
  ['POST', new RegExp(`^${STATEMENT}/cancel$`), ({ response }) => sendJson(response, 200, {})],
  ['GET', new RegExp(`^${STATEMENT}/result/chunks/0$`), getChunk],
  ['POST', /^\/sql\/1\.0\/(?:warehouses|endpoints)\/[\w-]+$/, answerThrift],
  ['POST', /^\/sql\/protocolv1\/o\/\d+\/[\w-]+$/, answerThrift],
]

const CHUNK = { chunk_index: 0, row_offset: 0, row_count: 1, data_array: [['1']] }

async function executeStatement({ response, body }: Exchange): Promise<void> {
  const call = parseJson(await readText(body, MAX_BODY_BYTES))
  if (typeof call !== 'object' || call === null || !('statement' in call)) {
    return answerError(response, 400, 'INVALID_PARAMETER_VALUE', 'statement is missing')
  }
  sendJson(response, 200, describeStatement(randomUUID()))
}

function getStatement({ response, captured: [id = ''] }: Exchange): void {
  sendJson(response, 200, describeStatement(id))
}

function getChunk({ response }: Exchange): void {
  sendJson(response, 200, CHUNK)
}

function describeStatement(statementId: string): object {
  const columns = [{ name: '1', position: 0, type_name: 'INT', type_text: 'INT' }]
  return {
    statement_id: statementId,
    status: { state: 'SUCCEEDED' },
    manifest: {
      format: 'JSON_ARRAY',
      schema: { column_count: 1, columns },
      total_chunk_count: 1,
      total_row_count: 1,
    },
    result: CHUNK,
  }
}
