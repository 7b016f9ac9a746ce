export const USAGE: string = `usage: brickgate COMMAND [--config FILE]

  serve                             run the sidecar
  config check                      check brickgate.yaml and its files, list every problem
  config schema                     print the JSON Schema of brickgate.yaml
  settings                          print the environment of lighttpd and HAProxy

  sessions list [--subject ISSUER|SUBJECT] [--json]
                                    list live sessions, of a subject or all, without tokens
  sessions show SID [--json]        show a session
  sessions revoke SID [--reason TEXT] [--dry-run] [--json]
                                    end a session

  revoke subject ISSUER|SUBJECT     end all sign-ins of a person or client so far
  revoke client ISSUER|CLIENT       end everything made for an OAuth client so far
  revoke idp-session ISSUER|IDP-SID end everything from a sign-in at the IdP
  revoke issuer ISSUER              end everything of an issuer so far
  revoke all --yes                  end everything so far
  revoke token ISSUER|TOKEN-ID      end a token, and the sessions made from it
  revoke session SID                end a session
      --at TIME, --until TIME       use TIME instead of now; a future TIME blocks until then:
                                    epoch seconds, 2026-11-26T18:00:00Z, +2h, --at=-30m
      --for DURATION                block for a duration from now on: 90s, 30m, 12h, 7d
      --keep DURATION               keep the revocation longer than necessary
      --force                       also replace a later TIME or an unreadable value
      --undo                        lift the revocation
      --reason TEXT                 reason for the audit log
      --dry-run, -n                 print the planned change, write nothing
      --json                        print one JSON object a line

  state init [--json]               mark Redis as complete, once, at installation
  state show [--json]               show whether Redis has lost state
  state accept [--reason TEXT] [--dry-run] [--json]
                                    accept a loss of state: older tokens work again
  version                           print the version
  help                              print this

FILE is brickgate.yaml in the current folder unless --config or BRICKGATE_CONFIG is given.
Exit codes: 0, 1 failed, 64 usage, 66 no such session or revocation, 69 Redis does not answer,
78 configuration.
`
