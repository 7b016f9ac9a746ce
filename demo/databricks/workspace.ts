import { sendJson } from '../service/json.ts'
import type { Exchange, Route } from './exchange.ts'

const TOKEN = { token_id: 'abcdef', comment: 'made by the simulator' }

/** The caller's own record, and endpoints that a gateway with a shared credential has to block. */
export const workspaceRoutes: readonly Route[] = [
  ['GET', /^\/api\/2\.0\/preview\/scim\/v2\/Me$/, answerMe],
  ['GET', /^\/api\/2\.0\/token\/list$/, answer({ token_infos: [TOKEN] })],
  ['POST', /^\/api\/2\.0\/token\/create$/, answer({ token_value: 'dapi-made', token_info: TOKEN })],
  ['GET', /^\/api\/2\.0\/token-management\/tokens$/, answer({ token_infos: [TOKEN] })],
  ['GET', /^\/api\/2\.0\/secrets\/scopes\/list$/, answer({ scopes: [{ name: 'demo' }] })],
  ['GET', /^\/api\/2\.0\/secrets\/list$/, answer({ secrets: [{ key: 'demo' }] })],
  ['GET', /^\/api\/2\.0\/secrets\/get$/, answer({ key: 'demo', value: 'c2VjcmV0' })],
  ['POST', /^\/api\/2\.0\/secrets\/put$/, answer({})],
]

function answerMe({ response, caller }: Exchange): void {
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User']
  sendJson(response, 200, { schemas, id: '1', userName: caller, active: true })
}

function answer(value: object): Route[2] {
  return ({ response }) => sendJson(response, 200, value)
}
