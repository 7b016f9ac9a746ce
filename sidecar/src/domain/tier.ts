export const TIERS = ['internal', 'external'] as const

/** Which listener a request came in by. It is known from the socket, never from a header. */
export type Tier = (typeof TIERS)[number]

export function isTier(text: string | null): text is Tier {
  return TIERS.some((tier) => tier === text)
}
