/** Images of the tests: a name of their own, so that nobody's are replaced. */
export const IMAGES = {
  /** base images of docker-compose.yml and the Dockerfiles, and images of the stores */
  bases: [
    'debian:forky-slim',
    'debian:trixie-slim',
    'debian:bookworm-slim',
    'node:24-trixie-slim',
    'redis:8.0',
    'redis:7.0',
    'valkey/valkey:8.1',
    'prom/prometheus:v2.53.3',
  ],
  environment: { BRICKGATE_IMAGES: 'brickgate-test', BRICKGATE_VERSION: 'test' },
  built: ['lighttpd', 'egress', 'sidecar', 'demo'].map((name) => `brickgate-test-${name}:test`),
} as const
