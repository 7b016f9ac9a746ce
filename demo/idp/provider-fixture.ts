import { createTemporaryPki } from '../pki/temporary-pki.ts'
import { callControl } from '../service/call-control.ts'
import { createTrustingFetch, type TrustingFetch } from '../service/trusting-fetch.ts'
import type { SignInAddresses } from './clients.ts'
import { createIdentityProvider } from './identity-provider.ts'

/** A provider for one test file, and how to speak to it. */
export interface ProviderFixture {
  readonly url: string
  readonly fetch: TrustingFetch
  /** PEM text of the CA of its certificate */
  readonly ca: string
  /** PEM texts of the provider's own certificate, for other servers on localhost */
  readonly tls: { readonly cert: string; readonly key: string }
  /** `callControl` for a path under `/__demo/` */
  control<T = null>(method: string, path: string, body?: unknown): Promise<T>
  close(): Promise<void>
}

const NOWHERE: SignInAddresses = {
  redirectUris: ['https://localhost:1/callback'],
  postLogoutRedirectUris: [],
  backchannelLogoutUri: null,
}

/** @param addressesFor where the sign-in client lives, made when the certificate is there */
export async function startProvider(
  addressesFor: (tls: ProviderFixture['tls']) => Promise<SignInAddresses> = async () => NOWHERE,
): Promise<ProviderFixture> {
  const pki = await createTemporaryPki({ idp: ['localhost'] })
  const tls = await pki.load('idp')
  const signIn = await addressesFor(tls)
  const options = { ...tls, ca: pki.ca, port: 0, issuerHost: 'localhost', signIn }
  const provider = await createIdentityProvider(options)
  const fetch = createTrustingFetch(pki.ca)
  return {
    url: provider.url,
    fetch,
    ca: pki.ca,
    tls,
    control: (method, path, body) =>
      callControl(fetch, { method, address: `${provider.url}/__demo/${path}`, body }),
    async close() {
      await provider.close()
      await pki.remove()
    },
  }
}
