import type { z } from 'zod'

/** A problem of a configuration or of a policy document. */
export interface Problem {
  /** such as `issuers[0].audiences`; empty for the whole document */
  readonly path: string
  /** lower case, without a secret */
  readonly message: string
}

/** A path of keys and indexes as `issuers[0].audiences`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

export function problemLine({ path, message }: Problem): string {
  return `${path === '' ? '(document)' : path}: ${message}`
}

/**
 * The problems that the schema reports, each with its path; for a union, those of the likeliest
 * form.
 */
export function schemaProblems(error: z.ZodError): readonly Problem[] {
  return error.issues.flatMap((issue) => problemsAt([], issue))
}

/** Characters shown of an unknown key, which can be anything. */
const MAX_KEY = 64

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

function problemsAt(outer: Path, issue: Issue): readonly Problem[] {
  const path = [...outer, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      return { path: pathText([...path, key.slice(0, MAX_KEY)]), message: 'is not known' }
    })
  }
  const likeliest = issue.code === 'invalid_union' ? likeliestForm(issue.errors) : null
  if (likeliest !== null) return likeliest.flatMap((inner) => problemsAt(path, inner))
  const message = issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
  return [{ path: pathText(path), message }]
}

/**
 * The form that knows most of the present keys; among equals, the form with the fewest problems.
 */
function likeliestForm(forms: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const [first = null, ...others] = forms
  return others.reduce((best, form) => {
    if (best === null) return form
    const closer = unknownKeys(form) - unknownKeys(best) || form.length - best.length
    return closer < 0 ? form : best
  }, first)
}

function unknownKeys(issues: readonly Issue[]): number {
  const counts = issues.map((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.length : 0))
  return counts.reduce((sum, count) => sum + count, 0)
}
