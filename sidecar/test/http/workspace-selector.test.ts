import { describe, expect, it } from 'vitest'
import { namesOtherWorkspace } from '../../src/http/workspace-selector.ts'

const OURS = '1234567890123456'
const OTHER = '9999999999999999'

function names(target: string): boolean {
  const segments = (target.split('?')[0] ?? '').split('/').filter((segment) => segment !== '')
  return namesOtherWorkspace({ target, segments }, OURS)
}

describe('a target that names another workspace', () => {
  it.each([
    `/api/2.1/clusters/list?o=${OTHER}`,
    `/api/2.1/clusters/list?w=${OTHER}`,
    `/api/2.1/clusters/list?a=b&%6F=${OTHER}`,
    `/api/2.1/clusters/list?o=${OURS}&o=${OTHER}`,
    '/api/2.1/clusters/list?o=',
    `/sql/protocolv1/o/${OTHER}/cluster`,
    `/driver-proxy-api/o/${OTHER}/cluster/22`,
    `/driver-proxy/o/${OTHER}`,
    `/driver-proxy/o/${OURS}/cluster/22/?o=${OTHER}`,
    `/driver-proxy-api/o/${OURS}/cluster/22?w=123456`,
    `/driver-proxy-api/o/${OURS}/cluster/22?w=%2B${OTHER}`,
    '/serving-endpoints/gpt/invocations?o=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96',
    `/serving-endpoints/gpt/invocations?w=800&w=${OTHER}`,
    '/api/2.1/clusters/list?w=800',
    '/api/2.1/clusters/list?o=json',
    `/x/driver-proxy/o?o=json`,
  ])('%s', (target) => expect(names(target)).toBe(true))
})

describe('a target that switches the role (`aid`) is treated like one of another workspace:', () => {
  it.each([
    '/api/2.1/clusters/list?aid=777',
    '/api/2.1/clusters/list?aid=',
    '/api/2.1/clusters/list?%61id=0',
    `/?o=${OURS}&aid=123456789012345`,
    `/api/2.1/clusters/list?aid=${OURS}`,
    '/serving-endpoints/gpt/invocations?aid=123456789012345',
  ])('%s', (target) => expect(names(target)).toBe(true))
})

describe('a query of an app below driver-proxy or serving names no workspace:', () => {
  it.each([
    `/driver-proxy/o/${OURS}/cluster/8501/?w=800&h=600`,
    `/driver-proxy-api/o/${OURS}/cluster/8501/?o=json`,
    '/serving-endpoints/gpt/invocations?w=800',
    '/serving-endpoints/gpt/invocations?o=json&o=&w=a1b2c3&aid=me',
    `/serving-endpoints/gpt/invocations?o=${OURS}`,
  ])('%s', (target) => expect(names(target)).toBe(false))
})

describe('a target of our workspace', () => {
  it.each([
    '/api/2.1/clusters/list',
    '/api/2.1/clusters/list?other=9',
    `/api/2.1/clusters/list?o=${OURS}`,
    `/sql/protocolv1/o/${OURS}/cluster`,
    '/sql/protocolv1/o/0/cluster',
    `/driver-proxy-api/o/${OURS}/cluster/22`,
    `/api/2.0/fs/files/Volumes/o/${OTHER}`,
    '/sql/1.0/warehouses/abc',
  ])('%s', (target) => expect(names(target)).toBe(false))
})
