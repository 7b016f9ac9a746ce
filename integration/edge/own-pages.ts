/**
 * A target that means, or nearly means, a page of the gateway itself, and the status it is answered
 * with.
 */
export type OwnPageRow = readonly [sent: string, status: number]

export const OWN_PAGES: readonly OwnPageRow[] = [
  ['/_brickgate/whoami', 200],
  ['/_brickgate/version', 200],
  ['http://localhost/_brickgate/whoami', 200],
  ['/_brickgate/whoami?/api/2.1/clusters/list', 200],
  ['/_brickgate/whoami#/api/2.1/clusters/list', 200],
  ...[
    ...['/_brickgate', '/_brickgate?x', '/_brickgate#', '/_brickgate.', '/_brickgate%20/x'],
    ...[
      '/_brickgatefoo',
      '/_brickgate-x/y',
      '/_brickgate_/x',
      '/_brickgate:443/x',
      '/_brickgate,/x',
    ],
    ...['/_Brickgate/whoami', '/_BRICKGATE/whoami', '/_brickgatE/version', '/_bricKgate'],
    ...['/%5fbrickgate/whoami', '/%5Fbrickgate/x', '/_brickg%61te/x', '/%5F%42rickgate/whoami'],
    ...['/_brickgate%2e/x', '/_brickgate%7E/x', 'http://localhost/_Brickgate/whoami'],
  ].map((sent): OwnPageRow => [sent, 404]),
  ...[
    ...['/_brickgate%2fwhoami', '/_brickgate%2Fwhoami', '/_brickgate%252fwhoami', '/_brickgate\\x'],
    ...[
      '//_brickgate/whoami',
      '/./_brickgate/whoami',
      '/x/../_brickgate/whoami',
      '/%2e/_brickgate/x',
    ],
    ...['/_brickgate/../api/2.1/clusters/list', '/_brickgate/%2e%2e/api', '/_brickgate/..;/api'],
    ...['/_brickgate;x/whoami', '/_brickgate%3bx/y', '/_brickgate%00/x', '/_brickgate//whoami'],
    ...['/_brickgat\xe9/x', '/_brickgate%23/x', '/_brickgate%3f/x', '/_brickgate%5cwhoami'],
    ...[
      '//brickgate-authorized',
      '//brickgate-authorized/api',
      '//brickgate-check',
      '/%2fbrickgate-check',
    ],
    ...[
      '//brickgate-responder/whoami',
      '/%2Fbrickgate-authorized',
      '/%2Fbrickgate-authorized/x',
      '/%2f%2Fbrickgate-authorized',
      '/..%2F%2Fbrickgate-authorized',
      '/%2Fbrickgate-responder%2Fwhoami',
      '/%2F_brickgate/whoami',
      '/%2e%2F_brickgate/whoami',
      '/x%2F..%2F_brickgate/whoami',
      '/_brickgate%2F..%2Fapi',
      '/_brickgate/whoami%2F',
      '/_brickgate/%2Fwhoami',
      '/%5fbrickgate%2Fwhoami',
      '/api/2.0/fs/files/..%2F..%2F..%2F..%2F_brickgate%2Fwhoami',
      '/x/..//brickgate-authorized',
    ],
  ].map((sent): OwnPageRow => [sent, 400]),
]
