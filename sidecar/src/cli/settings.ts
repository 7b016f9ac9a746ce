import { type Config, GROUPS_HEADER } from '../config/schema.ts'

/**
 * The environment of lighttpd, its Lua gate and HAProxy: every setting that their static files
 * leave open, and no secret.
 *
 * @param homeDirectory folder that contains `lighttpd/` and `egress/`
 * @param logDirectory folder of the access log
 */
export function edgeSettings(
  config: Config,
  homeDirectory: string,
  logDirectory: string,
): Record<string, string> {
  const { tiers, runtime, workspace, headers, limits } = config
  return {
    BRICKGATE_LIGHTTPD_DIR: `${homeDirectory}/lighttpd`,
    BRICKGATE_EGRESS_DIR: `${homeDirectory}/egress`,
    BRICKGATE_RUN_DIR: runtime.directory,
    BRICKGATE_SPOOL_DIR: `${runtime.directory}/spool`,
    BRICKGATE_LOG_DIR: logDirectory,
    BRICKGATE_PROOF_FILE: runtime.proof_file,
    BRICKGATE_INTERNAL_LISTEN: tiers.internal.listen,
    BRICKGATE_INTERNAL_PUBLIC_URL: tiers.internal.public_url,
    BRICKGATE_INTERNAL_TLS_CERT: tiers.internal.tls.certificate,
    BRICKGATE_INTERNAL_TLS_KEY: tiers.internal.tls.key,
    BRICKGATE_EXTERNAL_LISTEN: tiers.external.listen,
    BRICKGATE_EXTERNAL_PUBLIC_URL: tiers.external.public_url,
    BRICKGATE_EXTERNAL_TLS_CERT: tiers.external.tls.certificate,
    BRICKGATE_EXTERNAL_TLS_KEY: tiers.external.tls.key,
    BRICKGATE_REDIRECT_LISTEN: config.redirect.listen,
    BRICKGATE_LIGHTTPD_ADMIN_LISTEN: config.admin.lighttpd_listen,
    BRICKGATE_EGRESS_ADMIN_LISTEN: config.admin.egress_listen,
    BRICKGATE_TRUSTED_PROXIES: config.trusted_proxies?.addresses.join(' ') ?? '',
    BRICKGATE_PROXIES_MODE: config.trusted_proxies?.mode ?? '',
    BRICKGATE_MAX_CONNECTIONS: String(limits.connections),
    BRICKGATE_MAX_CONNECTIONS_PER_ADDRESS: String(limits.connections_per_address),
    BRICKGATE_TUNNEL_WINDOW_S: String(Math.floor(limits.tunnel_max_age_s / 2)),
    BRICKGATE_HEADER_USER: headers.user,
    BRICKGATE_HEADER_EMAIL: headers.email,
    // A header that is switched off is still removed from client requests.
    BRICKGATE_HEADER_GROUPS: headers.groups === false ? GROUPS_HEADER : headers.groups,
    BRICKGATE_WORKSPACE_HOST: workspace.host,
    BRICKGATE_WORKSPACE_ADDRESS: workspace.address ?? `${workspace.host}:443`,
    BRICKGATE_WORKSPACE_CA: workspace.ca_file,
    BRICKGATE_UPSTREAM_MAX_CONNECTIONS: String(workspace.max_connections),
  }
}

/** A setting per line, quoted for a shell and for systemd's `EnvironmentFile`. */
export function environmentFile(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('')
}
