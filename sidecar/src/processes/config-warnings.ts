import type { LoadedConfig } from '../config/load.ts'
import type { Logger } from '../observe/log.ts'

/** Logs the settings that a configuration has under former names. */
export function logWarnings({ warnings }: Pick<LoadedConfig, 'warnings'>, log: Logger): void {
  for (const { path, message } of warnings) log.warn({ path }, `the configuration: ${message}`)
}
