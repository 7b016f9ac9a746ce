-- Request headers that clients may not send, in any spelling.
local settings = require("settings")
local headers = { most = 200 } -- egress/haproxy.cfg takes a few more

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name:lower()] = true end
  return set
end

local RESERVED = set_of({
  -- set by the gate
  settings.header_user, settings.header_email, settings.header_groups, "X-Request-Id",
  -- name the client or its address
  "Via", "X-Client-IP", "X-Client-Cert", "X-Client-DN", "X-Client-Verify", "Client-IP", "X-Host",
  "X-ProxyUser-IP", "X-Originating-IP", "X-Source-IP", "X-Scheme", "X-URL-Scheme",
  "Front-End-HTTPS", "Proxy-Authorization", "X-Scope-OrgID", "X-Userinfo", "Disguised-Host",
  -- would turn a judged request into another request
  "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "X-Override-URL", "X-Sendfile",
  -- belong to the client's connection
  "Proxy", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "HTTP2-Settings",
})

-- Each name and everything below it (`CF-Ray` is below `CF`). Proxies, identity providers and
-- clouds describe a client in these headers, and services behind them believe the headers.
local RESERVED_FAMILIES = set_of({
  "X-Brickgate", "X-Databricks",
  -- address, protocol, target
  "Forwarded", "X-Forwarded", "X-Forward", "X-Original", "X-Rewrite", "X-Real", "X-Cluster-Client",
  "True-Client", "X-Middleware",
  -- identity
  "X-Auth", "X-Authenticated", "X-Authentik", "X-Anonymous", "X-Consumer", "X-Credential",
  "X-Identity", "X-Impersonate", "X-JWT", "X-OIDC", "OIDC", "X-Pomerium", "X-Principal", "X-Remote",
  "X-SAML", "X-Trusted", "X-User", "X-Vouch", "X-WebAuth", "Gap", "Impersonate", "Mellon", "Remote",
  "Shib", "Tailscale", "Teleport",
  -- certificates
  "Client-Cert", "SSL", "X-SSL", "X-TLS",
  -- content delivery networks, clouds, meshes
  "Akamai", "X-Akamai", "CF", "CloudFront", "Fastly", "X-Fastly", "Fly", "Incap", "X-NF", "X-Sucuri",
  "X-Vercel", "X-Amzn", "X-Appengine", "X-Goog-Authenticated", "X-Goog-IAP", "X-ARR", "X-Azure",
  "X-MS-Client-Principal", "X-MS-Forwarded", "X-MS-Proxy", "X-MS-Token", "X-WAWS", "L5d",
  "X-Envoy", "X-Istio",
})

-- The only `X-Databricks-*` headers that pass: clients need them, and they name no caller, no
-- workspace and no credential.
local PASSED = set_of({
  -- JDBC driver and SQL kernel
  "X-Databricks-SEA-Can-Run-Fully-Sync", "X-Databricks-Metadata-Operation-Type",
  "X-Databricks-Require-Thrift-Native-Metadata",
  -- MLflow's clients of serving endpoints; exporters of traces; coding agents
  "X-Databricks-Endpoints-API-Client", "X-Databricks-UC-Table-Name",
  "X-Databricks-Use-Coding-Agent-Mode",
})

-- lighttpd turns every character of a name except letters and digits into `_` of HTTP_*, so
-- separators other than single hyphens only serve to evade a comparison.
local function is_plain(name)
  return name:find("^%w[%w%-]*$") and not name:find("--", 1, true)
end

local function is_in_family(lower)
  local hyphen = lower:find("-", 1, true)
  while hyphen do
    if RESERVED_FAMILIES[lower:sub(1, hyphen - 1)] then return true end
    hyphen = lower:find("-", hyphen + 1, true)
  end
  return RESERVED_FAMILIES[lower] or false
end

local function judge(name)
  local lower = name:lower()
  if PASSED[lower] then return false end
  return not is_plain(name) or RESERVED[lower] or is_in_family(lower)
end

-- Clients send the same few names again and again. The memory is bounded: made-up names are dropped
-- together with all others.
local MOST_REMEMBERED, LONGEST_REMEMBERED = 1000, 64
local verdicts, remembered = {}, 0

local function is_reserved(name)
  local verdict = verdicts[name]
  if verdict ~= nil then return verdict end
  verdict = judge(name)
  if #name > LONGEST_REMEMBERED then return verdict end
  if remembered == MOST_REMEMBERED then verdicts, remembered = {}, 0 end
  verdicts[name], remembered = verdict, remembered + 1
  return verdict
end

-- The only upgrade that passes, and only where RFC 6455 allows it. h2c would tunnel requests.
local function is_websocket_upgrade(r)
  return r.req_attr["request.method"] == "GET" and r.req_header["Upgrade"]:lower() == "websocket"
end

local WEBSOCKET = "X-Brickgate-Upgrade"

-- Marks a request that becomes a WebSocket once it is allowed, for conf.d/limits.conf: lighttpd
-- evaluates its conditions again after the authorizer's 200. The second pass removes the mark.
function headers.name_websocket(r, judged_method)
  local is_upgrade = r.req_header["Upgrade"] or r.req_attr["request.method"] == "CONNECT"
  if judged_method == "GET" and is_upgrade then r.req_header[WEBSOCKET] = "websocket" end
end

-- Whether the client sent this mark itself.
--
-- INVARIANT: such a request is rejected at once. lighttpd evaluates its conditions before this
-- script can remove the mark, so an unjudged request would hold its connection for an hour.
function headers.claims_websocket(r)
  return r.req_header[WEBSOCKET] ~= nil
end

-- Removes reserved headers, and returns the number of headers. Collects names first, because a
-- header must not be removed while the list is walked.
function headers.strip(r)
  local reserved, sent = {}, 0
  for name, value in pairs(r.req_header) do
    if value and is_reserved(name) then reserved[#reserved + 1] = name end
    sent = sent + 1
  end
  if r.req_header["Upgrade"] and not is_websocket_upgrade(r) then
    reserved[#reserved + 1] = "Upgrade"
  end
  for _, name in ipairs(reserved) do r.req_header[name] = "" end
  return sent
end

-- Headers that an allow sets on the request: the header's name, and the variable with its value.
local OBLIGATIONS = {
  { settings.header_user, "BRICKGATE_USER" },
  { settings.header_email, "BRICKGATE_EMAIL" },
  { settings.header_groups, "BRICKGATE_GROUPS" },
  { "X-Brickgate-Groups", "BRICKGATE_GROUPS_STATE" },
  { "X-Brickgate-Tier", "BRICKGATE_TIER" },
  { "X-Brickgate-Proof", "BRICKGATE_PROOF" },
  { "X-Request-Id", "BRICKGATE_REQUEST_ID" },
  { "Authorization", "BRICKGATE_AUTHORIZATION" },
  { "Cookie", "BRICKGATE_COOKIE" },
  { "User-Agent", "BRICKGATE_USER_AGENT" },
  { "X-Databricks-Org-Id", "BRICKGATE_WORKSPACE_ID" },
  { "X-Databricks-Workspace-Id", "BRICKGATE_WORKSPACE_ID" },
  -- the client's own stays where the gateway has no span for a parent
  { "Traceparent", "BRICKGATE_TRACEPARENT", otherwise_as_sent = true },
}

-- Whether every variable fits into a header without ending its line.
function headers.are_printable(env)
  for _, obligation in ipairs(OBLIGATIONS) do
    if (env[obligation[2]] or ""):find("[^\32-\126]") then return false end
  end
  return true
end

-- INVARIANT: each of these headers is overwritten or removed, or a client could choose its
-- identity. Only `Traceparent`, which is no identity, may stay.
function headers.fulfil(r)
  for _, obligation in ipairs(OBLIGATIONS) do
    local value = r.req_env[obligation[2]]
    if value or not obligation.otherwise_as_sent then r.req_header[obligation[1]] = value or "" end
  end
end

-- Whether a proxy named the client and any address after the first is IPv4 mapped into IPv6.
-- lighttpd takes each mapped address for a trusted proxy while an IPv4 network is trusted.
--
-- INVARIANT: such a request is refused; otherwise a client could write an address before its own,
-- and the written address would count.
function headers.hide_client(r)
  if not settings.is_client_named or r.req_attr["request.remote-port"] ~= "0" then return false end
  local is_first = true
  for address in (r.req_header["X-Forwarded-For"] or ""):gmatch("[%x.:]+") do
    if not is_first and address:lower():find("^[0:]*:ffff:") then return true end
    is_first = false
  end
  return false
end

-- lighttpd appends the address of the connection: the client's, or a proxy's that named the client,
-- which then has no port.
function headers.name_client(r)
  local is_named = settings.is_client_named and r.req_attr["request.remote-port"] == "0"
  r.req_header["X-Forwarded-For"] = is_named and r.req_attr["request.remote-addr"] or ""
end

return headers
