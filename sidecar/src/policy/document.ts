import { z } from 'zod'
import { METHODS, type Method } from '../domain/access-request.ts'
import { schemaProblems } from '../domain/problem.ts'
import { TIERS, type Tier } from '../domain/tier.ts'
import { BUILT_IN_PREFIX } from './built-in.ts'
import { FLAGS, type Flag } from './flagged.ts'
import { groupProblem, subjectProblem } from './issuer-names.ts'
import { patternProblem } from './pattern.ts'
import { PolicyError } from './policy-error.ts'

/** `policy.yaml`, parsed. */
export interface PolicyDocument {
  readonly version: 1
  readonly policies: readonly PolicyEntry[]
}

export interface PolicyEntry {
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly who: WhoEntry
  /** every method when omitted */
  readonly methods?: readonly Method[] | undefined
  /** path patterns, see `patternProblem`; omitted only where a forbid has flags */
  readonly paths?: readonly string[] | undefined
  /** of a forbid: every operation with any of these flags, in addition to the paths */
  readonly flags?: readonly Flag[] | undefined
  /** every tier when omitted */
  readonly tiers?: readonly Tier[] | undefined
}

/** Either `any_verified`, or any of the groups and subjects. */
export interface WhoEntry {
  /** `<issuer>|<group>`; with a single issuer `<issuer>|` may be left out */
  readonly groups?: readonly string[] | undefined
  /** `<issuer>|<stable subject>` */
  readonly subjects?: readonly string[] | undefined
  readonly any_verified?: true | undefined
}

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9 and -, not starting with -')
  .refine((text) => !text.startsWith(BUILT_IN_PREFIX), `must not start with ${BUILT_IN_PREFIX}`)

const pattern = z.string().superRefine(check(patternProblem))

function who(issuerNames: readonly string[]): z.ZodType<WhoEntry> {
  const group = z
    .string()
    .min(1, 'must not be empty')
    .superRefine(check((text) => groupProblem(text, issuerNames)))
  const subject = z
    .string()
    .regex(/^[a-z0-9-]{1,32}\|[\x21-\x7e]{1,255}$/, 'must be <issuer alias>|<stable subject>')
    .superRefine(check((text) => subjectProblem(text, issuerNames)))
  return z
    .strictObject({
      groups: someOf(group).optional(),
      subjects: someOf(subject).optional(),
      any_verified: z.literal(true).optional(),
    })
    .superRefine((entry, context) => {
      const isNamed = entry.groups !== undefined || entry.subjects !== undefined
      if (isNamed === (entry.any_verified === undefined)) return
      const message = isNamed
        ? 'any_verified stands alone, without groups or subjects'
        : 'must name groups, subjects or any_verified'
      context.addIssue({ code: 'custom', message })
    })
}

/**
 * The only source of the document's validation and of its JSON Schema (`z.toJSONSchema`).
 *
 * @param aliases names of every configured issuer
 */
export function policyDocumentSchema(issuerNames: readonly string[]): z.ZodType<PolicyDocument> {
  const entry = z
    .strictObject({
      id,
      effect: z.enum(['permit', 'forbid']),
      who: who(issuerNames),
      methods: someOf(z.enum(METHODS)).optional(),
      paths: someOf(pattern).optional(),
      flags: someOf(z.enum(FLAGS)).optional(),
      tiers: someOf(z.enum(TIERS)).optional(),
    })
    .superRefine(checkPlaces, { when: isObject })
  return z
    .strictObject({ version: z.literal(1), policies: someOf(entry) })
    .superRefine(checkIds, { when: isObject })
}

/** Turns a function that returns a problem, or null, into a check of zod. */
function check(
  problemOf: (text: string) => string | null,
): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    const message = problemOf(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  }
}

/**
 * Flags cover every method and version of an operation, which is right for a forbid and too wide
 * for a permit.
 */
function checkPlaces(
  { effect, paths, flags, methods }: Partial<PolicyEntry>,
  context: z.RefinementCtx,
): void {
  const refuse = (key: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [key], message })
  if (paths === undefined && flags === undefined) refuse('paths', 'must name a path')
  if (flags !== undefined && effect === 'permit') refuse('flags', 'may stand only in a forbid')
  if (flags !== undefined && methods !== undefined) refuse('methods', 'must not stand beside flags')
}

/** @param document may have other problems: any part can be missing or of another type */
function checkIds({ policies }: { policies: unknown }, context: z.RefinementCtx): void {
  const ids: unknown[] = Array.isArray(policies) ? policies.map((policy) => policy?.id) : []
  for (const [at, id] of ids.entries()) {
    if (typeof id !== 'string' || ids.indexOf(id) === at) continue
    const message = `\`${id.slice(0, 64)}\` is used twice`
    context.addIssue({ code: 'custom', path: ['policies', at, 'id'], message })
  }
}

/** Lets a check run beside other problems, so every problem is listed at once. */
function isObject({ value }: { readonly value: unknown }): boolean {
  return typeof value === 'object' && value !== null
}

/** Rejects an empty list: it is nearly always a mistake, and its meaning is unclear. */
function someOf<T extends z.ZodType>(item: T): z.ZodArray<T> {
  return z.array(item).min(1, 'must not be empty')
}

/**
 * Validates a document. An unknown key is a problem; nothing is ignored.
 *
 * @param document parsed YAML
 * @param issuerNames names of every configured issuer
 * @throws {PolicyError} with every problem
 */
export function readDocument(document: unknown, issuerNames: readonly string[]): PolicyDocument {
  const parsed = policyDocumentSchema(issuerNames).safeParse(document)
  if (parsed.success) return parsed.data
  throw new PolicyError(schemaProblems(parsed.error))
}
