import { SYSTEM_LIGHTTPD } from '../launch/gateway.ts'
import { DEMO_PORTS, prepareDemo } from './demo.ts'
import { mintDemoTokens, writeDemoEnv } from './env.ts'
import { startDemo } from './start.ts'

/**
 * Starts the demo that `make up` runs without a `brickgate.yaml`, and prints commands to try.
 *
 * @param directory where files, logs and process ids of the demo are kept
 */
export async function startPrintedDemo(directory: string): Promise<void> {
  const demo = await prepareDemo(directory, DEMO_PORTS)
  await startDemo(demo, SYSTEM_LIGHTTPD)
  writeDemoEnv(demo, await mintDemoTokens(demo))
  process.stdout.write(`Brickgate is up, as a demo on loopback (there is no brickgate.yaml). Try:

  . .run/demo.env
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_ALICE" \\
    "$BRICKGATE_URL/api/2.1/clusters/list"                      # 200: alice may list clusters
  curl --cacert "$BRICKGATE_CA" -H "Authorization: Bearer $TOKEN_BOB" -d '{}' \\
    "$BRICKGATE_URL/api/2.1/clusters/start"                     # 403: bob may not start one
  redis-cli -u "$REDIS_URL" SET 'bg:revoked:subject:demo|alice' "$(date +%s)" EX 108065
                                                                # and alice is out at once
  https://localhost:${DEMO_PORTS.internal}/_brickgate/ in a browser     # sign in as alice, bob or admin
  curl "$BRICKGATE_ADMIN_URL/metrics"; tail -f .run/logs/audit.log
`)
}
