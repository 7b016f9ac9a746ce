import type { Random } from './random.ts'

const STARTS = [
  '/',
  '/',
  '/api/',
  '/api/2.0/fs/files/Volumes/a/',
  '/api/2.0/fs/directories/',
  '/api/2.0/workspace-files/',
  '/api/2.0/fs/files/Volumes%2Fa',
  'http://localhost/',
] as const

const PARTS = [
  ...(['a', 'api', '2.0', 'admin', '_brickgate', '.', '..', '/', '//', '\\', ';', '..;'] as const),
  ...(['?', '#', '%', ' ', '+', '~', '[', '*', '&', '=', ':', '@', '\t', '|', '"'] as const),
  ...(['%2e', '%2E', '.%2e', '%2f', '%2F', '%5c', '%3b', '%3B', '%3f', '%23', '%25'] as const),
  ...(['%2Fb', '%2Fb', 'b%2f', '%2f..', '..%2F', '%2F%2F', '%2F;', '%2Fbrickgate-check'] as const),
  ...(['%252e', '%252f', '%2525', '%25252e', '%255c', '%2523', '%00', '%0a', '%7f'] as const),
  ...(['%c3%a9', '\xc3\xa9', '%ff', '%C0%AE', '%E2%80%AE', '%ef%bc%8f'] as const),
  ...(['%41', '%7e', '%20', '%z', '%u002e', '%2'] as const),
] as const

/**
 * A request target made of what parsers are known to disagree on. A space at its end would be the
 * request line's, which lighttpd refuses from some version on.
 */
export function generateTarget(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(6) }, () => random.pick(PARTS))
  return `${random.pick(STARTS)}${parts.join('')}`.trimEnd()
}

/** `/_brickgate` with random case and escapes, random neighbours before and behind. */
export function generateOwnPage(random: Random): string {
  const name = Array.from('_brickgate', (character) => {
    const choice = random.below(6)
    if (choice === 0) return `%${Buffer.from(character).toString('hex')}`
    if (choice === 1)
      return `%${Buffer.from(character.toUpperCase()).toString('hex').toUpperCase()}`
    if (choice === 2) return `%25${Buffer.from(character).toString('hex')}`
    return choice === 3 ? character.toUpperCase() : character
  }).join('')
  const before = random.pick([
    ...(['/', '/', '/', '//', '/./', '/x/../', '/%2e/', 'http://localhost/'] as const),
    ...(['/%2F', '/%2f', '/x%2F..%2F', '/api/2.0/fs/files/..%2F..%2F..%2F..%2F'] as const),
  ])
  const after = random.pick([
    '/whoami',
    '/',
    '',
    '?x',
    '#',
    'x/y',
    '-x',
    '%2fwhoami',
    '/../api',
    '.',
  ])
  return `${before}${name}${after}`
}
