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
  ])('%s', (target) => expect(names(target)).toBe(true))
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
