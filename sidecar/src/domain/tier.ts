export const TIERS = ['internal', 'external'] as const

/** The listener of a request, known from the socket and never from a header. */
export type Tier = (typeof TIERS)[number]

export function isTier(text: string | null): text is Tier {
  return TIERS.some((tier) => tier === text)
}
