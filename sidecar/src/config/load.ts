import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { ConfigError, type Problem, pathText } from './config-error.ts'
import { resolveReferences } from './references.ts'
import { type Config, configSchema } from './schema.ts'

/** Everything that a start needs of the disk, read once and checked whole. */
export interface LoadedConfig {
  readonly config: Config
  /** the parsed policy document; `policy/` compiles it */
  readonly policyDocument: unknown
  /** every file that was read: a change of one asks for a new load */
  readonly files: readonly string[]
}

/**
 * Reads `brickgate.yaml` with what it names.
 *
 * @param file path of the configuration
 * @param checkPolicy compiles a policy document; what it throws is listed with the rest
 * @throws {ConfigError} listing every problem
 */
export function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
  checkPolicy: (document: unknown) => void,
): LoadedConfig {
  const folder = dirname(resolve(file))
  const problems: Problem[] = []
  const resolved = resolveReferences(readYaml(file, '', problems), {
    environment: (name) => environment[name] ?? null,
    file: (path) => readText(resolve(folder, path)),
  })
  problems.push(...resolved.problems)
  if (problems.length > 0 && resolved.document === null) throw new ConfigError(file, problems)

  const parsed = configSchema.safeParse(resolved.document)
  const unresolved = new Set(resolved.problems.map((problem) => problem.path))
  for (const issue of parsed.error?.issues ?? []) {
    const path = pathText(issue.path)
    if (!unresolved.has(path)) problems.push({ path, message: issue.message })
  }
  if (!parsed.success) throw new ConfigError(file, problems)

  const config = absolutePaths(parsed.data, folder)
  problems.push(...unreadableFiles(config))
  const policyDocument = readPolicy(config.policy.file, checkPolicy, problems)
  if (problems.length > 0) throw new ConfigError(file, problems)

  const named = resolved.files.map((path) => resolve(folder, path))
  return {
    config: Object.freeze(config),
    policyDocument,
    files: [resolve(file), config.policy.file, config.runtime.proof_file, ...named],
  }
}

function readPolicy(
  file: string,
  check: (document: unknown) => void,
  problems: Problem[],
): unknown {
  const before = problems.length
  const document = readYaml(file, 'policy.file', problems)
  if (problems.length > before) return null
  try {
    check(document)
  } catch (error) {
    for (const message of String(error instanceof Error ? error.message : error).split('\n')) {
      problems.push({ path: 'policy.file', message: message.trim() })
    }
  }
  return document
}

function readYaml(file: string, path: string, problems: Problem[]): unknown {
  const text = readText(file)
  if (text === null) {
    problems.push({ path, message: `\`${file}\` cannot be read` })
    return null
  }
  const document = parseDocument(text, { uniqueKeys: true })
  for (const error of document.errors) {
    problems.push({ path, message: error.message.split('\n')[0] ?? 'is no YAML' })
  }
  return document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 100 })
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // reported by the caller, with the path at which the file is named
  }
}

function absolutePaths(config: Config, folder: string): Config {
  const at = (path: string): string => resolve(folder, path)
  const tier = (row: Config['tiers']['internal']): Config['tiers']['internal'] => ({
    ...row,
    tls: { certificate: at(row.tls.certificate), key: at(row.tls.key) },
  })
  const withCa = <T extends { ca_file?: string | undefined }>(row: T): T =>
    row.ca_file === undefined ? row : { ...row, ca_file: at(row.ca_file) }
  const [firstIssuer, ...otherIssuers] = config.issuers
  return {
    ...config,
    redis: withCa(config.redis),
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

function unreadableFiles(config: Config): Problem[] {
  const named: [string, string | undefined][] = [
    ['redis.ca_file', config.redis.ca_file],
    ['workspace.ca_file', config.workspace.ca_file],
    ['tiers.internal.tls.certificate', config.tiers.internal.tls.certificate],
    ['tiers.external.tls.certificate', config.tiers.external.tls.certificate],
    ...config.issuers.map((row, index): [string, string | undefined] => [
      `issuers[${index}].ca_file`,
      row.ca_file,
    ]),
  ]
  return named.flatMap(([path, file]) =>
    file !== undefined && readText(file) === null
      ? [{ path, message: `\`${file}\` cannot be read` }]
      : [],
  )
}
