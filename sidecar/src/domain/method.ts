/** The methods that can reach a workspace (RFC 9110 section 9.3, RFC 5789), case-sensitive. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export type Method = (typeof METHODS)[number]
