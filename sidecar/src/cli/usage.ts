export const USAGE: string = `usage: brickgate COMMAND [--config FILE]

  serve                             run the sidecar
  config check                      check brickgate.yaml and what it names, listing every problem
  config schema                     print the JSON Schema of brickgate.yaml
  settings                          print the environment of lighttpd and HAProxy

  sessions list [--subject ISSUER|SUBJECT] [--json]
                                    the live sessions, of one subject or of all; never a token
  sessions show SID [--json]        one session
  sessions revoke SID [--reason TEXT] [--dry-run] [--json]
                                    end one session

  revoke subject ISSUER|SUBJECT     refuse what a person or client signed in so far
  revoke client ISSUER|CLIENT       refuse what was made for an OAuth client so far
  revoke idp-session ISSUER|SID     refuse what came of one sign-in at the IdP
  revoke issuer ISSUER              refuse everything of an issuer so far
  revoke all --yes                  refuse everything so far
  revoke token ISSUER|TOKEN-ID      refuse one token, and the sessions made from it
  revoke session SID                refuse one session
      --at TIME, --until TIME       refuse what signed in by TIME, not by now; TIME to come blocks
                                    until then: epoch seconds, 2026-11-26T18:00:00Z, +2h, --at=-30m
      --for DURATION                block from now on for so long: 90s, 30m, 12h, 7d
      --keep DURATION               keep the revocation longer than it takes for all to expire
      --force                       also write over a later TIME, or what cannot be read
      --undo                        take the revocation back
      --reason TEXT                 why, for the audit log
      --dry-run, -n                 say what would be written, and write nothing
      --json                        one JSON object a line

  state init [--json]               say that Redis holds all state, once, at installation
  state show [--json]               show whether Redis has lost state
  state accept [--reason TEXT] [--dry-run] [--json]
                                    accept a loss of state: older tokens work again
  version                           print the version
  help                              print this

FILE is brickgate.yaml in the current folder unless --config or BRICKGATE_CONFIG names another.
Exit codes: 0, 1 failed, 64 usage, 66 no such session or revocation, 69 Redis does not answer,
78 configuration.
`
