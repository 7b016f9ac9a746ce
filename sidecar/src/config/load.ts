import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Problem, schemaProblems } from '../domain/problem.ts'
import { ConfigError } from './config-error.ts'
import { withExample } from './examples.ts'
import { namedFiles, textAt } from './named-files.ts'
import { readText, readYaml } from './read-yaml.ts'
import { resolveReferences } from './references.ts'
import { issuerNames } from './relations.ts'
import { type Config, configSchema } from './schema.ts'

/** Everything from the disk that a start needs, read once and checked whole. */
export interface LoadedConfig {
  readonly config: Config
  /** the parsed policy document; `policy/` compiles it */
  readonly policyDocument: unknown
  /** settings that still work under a former name */
  readonly warnings: readonly Problem[]
  /** every file that was read; a change of any requires a new load */
  readonly files: readonly string[]
}

/** Checks by other rooms. Their errors are listed with the rest, a line per problem. */
export interface ConfigChecks {
  /** compiles a policy document for issuers of these names */
  readonly policy: (document: unknown, issuerNames: readonly string[]) => void
  /** reads the proof file */
  readonly proof: (file: string) => void
}

/**
 * Reads `brickgate.yaml` and the files that it names.
 *
 * @param file path of the configuration
 * @throws {ConfigError} with every problem, also beyond those of the schema
 */
export function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  checks: ConfigChecks,
): LoadedConfig {
  const at = (path: string): string => resolve(dirname(resolve(file)), path)
  const yaml = readYaml(file)
  if (!yaml.ok) throw new ConfigError(file, problemsAt('', yaml.problems), [resolve(file)])
  const resolved = resolveReferences(yaml.document, {
    environment: (name) => (Object.hasOwn(environment, name) ? (environment[name] ?? null) : null),
    file: (path) => readText(at(path)),
  })
  const parsed = configSchema.safeParse(resolved.document)
  const document: unknown = parsed.success ? parsed.data : resolved.document
  const policy = readPolicy(document, at, checks.policy)
  const problems = withoutSequels(resolved.problems, [
    ...(parsed.error === undefined ? [] : schemaProblems(parsed.error).map(withExample)),
    ...missingFiles(document, at),
    ...policy.problems,
    ...proofProblems(document, at, checks.proof),
  ])
  const files = [
    resolve(file),
    ...[textAt(document, ['policy', 'file']), textAt(document, ['runtime', 'proof_file'])]
      .filter((named) => named !== null)
      .map(at),
    ...resolved.files.map(at),
  ]
  if (!parsed.success || problems.length > 0) throw new ConfigError(file, problems, files)
  return {
    config: Object.freeze(absolutePaths(parsed.data, at)),
    policyDocument: policy.document,
    warnings: formerNames(resolved.document),
    files,
  }
}

/** Finds the settings that a document has under a former name. */
export function formerNames(document: unknown): readonly Problem[] {
  const isUsed = textAt(document, ['trusted_proxies', 'say']) !== null
  return isUsed ? [{ path: 'trusted_proxies.say', message: 'is now called `mode`' }] : []
}

type Absolute = (path: string) => string

/** Removes the problems that only follow from an unresolved reference. */
function withoutSequels(unresolved: readonly Problem[], others: readonly Problem[]): Problem[] {
  const paths = new Set(unresolved.map(({ path }) => path))
  return [...unresolved, ...others.filter(({ path }) => !paths.has(path))]
}

function missingFiles(document: unknown, at: Absolute): readonly Problem[] {
  const unreadable = namedFiles(document)
    .filter(({ file }) => readText(at(file)) === null)
    .map(({ path, file }) => ({ path, message: `\`${at(file)}\` cannot be read` }))
  const audit = textAt(document, ['audit', 'file'])
  const problem = audit === null || audit === '-' ? null : appendProblem(at(audit))
  return problem === null ? unreadable : [...unreadable, { path: 'audit.file', message: problem }]
}

function appendProblem(file: string): string | null {
  if (!existsSync(dirname(file))) return `the folder \`${dirname(file)}\` does not exist`
  const isFolder = existsSync(file) && statSync(file).isDirectory()
  return isFolder ? `\`${file}\` is a folder` : null
}

function readPolicy(
  document: unknown,
  at: Absolute,
  check: ConfigChecks['policy'],
): { readonly document: unknown; readonly problems: readonly Problem[] } {
  const file = textAt(document, ['policy', 'file'])
  if (file === null) return { document: null, problems: [] }
  const yaml = readYaml(at(file))
  const found = yaml.ok
    ? complaints(() => check(yaml.document, issuerNames(document)))
    : yaml.problems
  return { document: yaml.ok ? yaml.document : null, problems: problemsAt('policy.file', found) }
}

function proofProblems(
  document: unknown,
  at: Absolute,
  check: ConfigChecks['proof'],
): readonly Problem[] {
  const file = textAt(document, ['runtime', 'proof_file'])
  return file === null
    ? []
    : problemsAt(
        'runtime.proof_file',
        complaints(() => check(at(file))),
      )
}

function complaints(check: () => void): readonly string[] {
  try {
    check()
    return []
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')
  }
}

function problemsAt(path: string, messages: readonly string[]): readonly Problem[] {
  return messages.map((message) => ({ path, message }))
}

function absolutePaths(config: Config, at: Absolute): Config {
  const tier = (row: Config['tiers']['internal']): Config['tiers']['internal'] => ({
    ...row,
    tls: { certificate: at(row.tls.certificate), key: at(row.tls.key) },
  })
  const withCa = <T extends { ca_file?: string | undefined }>(row: T): T =>
    row.ca_file === undefined ? row : { ...row, ca_file: at(row.ca_file) }
  const [firstIssuer, ...otherIssuers] = config.issuers
  return {
    ...config,
    redis: absoluteRedis(config.redis, at),
    issuers: [withCa(firstIssuer), ...otherIssuers.map(withCa)],
    workspace: withCa(config.workspace),
    tiers: { internal: tier(config.tiers.internal), external: tier(config.tiers.external) },
    policy: { ...config.policy, file: at(config.policy.file) },
    audit: { file: config.audit.file === '-' ? '-' : at(config.audit.file) },
    runtime: {
      ...config.runtime,
      directory: at(config.runtime.directory),
      proof_file: at(config.runtime.proof_file),
    },
  }
}

function absoluteRedis(redis: Config['redis'], at: Absolute): Config['redis'] {
  const files = (['ca_file', 'client_certificate_file', 'client_key_file'] as const)
    .map((name) => [name, redis[name]] as const)
    .flatMap(([name, file]) => (file === undefined ? [] : [[name, at(file)] as const]))
  return { ...redis, ...Object.fromEntries(files) }
}
