import { describe, expect, it } from 'vitest'
import { compilePolicies } from '../../src/policy/compile.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { entry, requestTo } from './policy-fixture.ts'

function effectOf(effect: 'permit' | 'forbid', pattern: string, target: string): string {
  const all = effect === 'forbid' ? [entry('all', 'permit', ['/'])] : []
  const policies = [...all, entry('p', effect, [pattern])]
  return evaluate(compilePolicies({ version: 1, policies }, ['okta']), requestTo(target)).effect
}

describe('a forbid of a path', () => {
  it.each([
    ['/api/2.0/jobs', '/ajax-api/2.0/jobs/list'],
    ['/api/2.0/jobs', '/api/2.0/preview/jobs/list'],
    ['/api/2.0/jobs', '/ajax-api/2.0/preview/jobs/list'],
    ['/api/2.0/jobs', '/AJAX-API/2.0/%50review/jobs'],
    ['/api/2.0', '/ajax-api/2.0'],
    ['/api/2.0/preview/scim', '/ajax-api/2.0/preview/scim/v2/Users'],
    ['/api/2.0/preview/scim', '/api/2.0/preview/preview/scim'],
    ['/ajax-api/2.0/jobs', '/ajax-api/2.0/jobs'],
    ['/ajax-api/2.0/jobs', '/ajax-api/2.0/preview/jobs'],
  ])('%s forbids its mirror %s', (pattern, target) => {
    expect(effectOf('forbid', pattern, target)).toBe('forbid')
  })

  it.each([
    ['/api/2.0/jobs', '/ajax-api/2.1/jobs'],
    ['/api/2.0/jobs', '/x/2.0/preview/jobs'],
    ['/api/2.0/jobs', '/api/preview/2.0/jobs'],
    ['/api/2.0/jobs', '/api/2.0/x/preview/jobs'],
    ['/api/2.0/jobs', '/api/2.0/x/jobs'],
    ['/api/2.0/jobs', '/ajax-api/2.0/x/jobs'],
    ['/x/2.0/jobs', '/x/2.0/preview/jobs'],
    ['/ajax-api/2.0/jobs', '/api/2.0/jobs'],
    ['/api/2.0/preview/scim', '/api/2.0/scim'],
    ['/api', '/ajax-apis/2.0/jobs'],
  ])('%s says nothing of %s', (pattern, target) => {
    expect(effectOf('forbid', pattern, target)).toBe('permit')
  })
})

it.each(['/ajax-api/2.0/jobs', '/api/2.0/preview/jobs', '/ajax-api/2.0/preview/jobs'])(
  'a permit of a path permits it alone, not %s',
  (target) => {
    expect(effectOf('permit', '/api/2.0/jobs', target)).toBe('none')
  },
)
