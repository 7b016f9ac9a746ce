-- The gate between clients and every backend. It runs twice for an authorized request: before the
-- FastCGI authorizer, and again after its 200, when lighttpd starts the request over. lighttpd's
-- authorizer mode treats almost any reply as an allow, so only an exact proof counts as an allow. A
-- Lua error ends the request with 500.
--
-- BRICKGATE_STAGE is the progress of a request: nil, checking, returned, authorized; or responder;
-- or answered. Clients cannot set it: their headers arrive as HTTP_*.
local connections = require("connections")
local headers = require("headers")
local proof_of = require("proof")
local refusal = require("refusal")
local request_id = require("request_id")
local settings = require("settings")
local target = require("target")

local gate = {}

-- HTTP/2's extended CONNECT (RFC 8441) is a WebSocket handshake. lighttpd forwards it as a GET with
-- an upgrade, so it is judged as a GET. lighttpd rejects another `:protocol`, and a path without
-- it.
local function judged_method(r)
  local method, sent = r.req_attr["request.method"], r.req_attr["request.uri"]
  local is_extended_connect = method == "CONNECT" and sent:sub(1, 1) == "/"
    and r.req_attr["request.protocol"] == "HTTP/2.0"
  return is_extended_connect and "GET" or method
end

-- INVARIANT: neither the log of an unreachable backend nor QUERY_STRING contains the query, which
-- may have secrets, and REQUEST_URI is the forwarded target. No proxy before lighttpd can claim
-- that TLS was not used.
local function normalize(r)
  r.req_attr["uri.scheme"], r.req_env["_L_EXTFORWARD_ACTUAL_PROTO"] = "https", ""
  r.req_attr["uri.query"] = ""
  r.req_attr["request.orig-uri"] = r.req_attr["request.uri"]
end

local function send_to_responder(r, tier)
  r.req_env["BRICKGATE_TIER"] = tier
  r.req_env["BRICKGATE_STAGE"] = "responder"
  r.req_attr["uri.path"] = "//brickgate-responder"
  return 0
end

local function send_to_authorizer(r)
  r.req_env["BRICKGATE_STAGE"] = "checking"
  r.req_attr["uri.path"] = "//brickgate-check"
  return 0
end

local function first_pass(lighty, tier)
  local r = lighty.r
  local env, sent = r.req_env, r.req_attr["request.uri"]
  env["BRICKGATE_LISTENER"] = tier
  env["BRICKGATE_LOGGED_PATH"] = target.logged_path(sent)
  env["BRICKGATE_REQUEST_ID"] = request_id(lighty)
  if headers.hide_client(r) then return refusal.answer(r, 400, "mapped-address") end
  if connections.exceed(lighty, settings.max_connections_per_address) then
    r.req_item["keep_alive"] = 0
    return refusal.answer(r, 429, "too-many-connections")
  end
  if headers.claims_websocket(r) then return refusal.answer(r, 400, "reserved-header") end
  local method = judged_method(r)
  if method == "CONNECT" or method == "TRACE" then
    return refusal.answer(r, 405, "method-not-allowed")
  end
  local path = target.path_of(sent)
  if not path then return refusal.answer(r, 400, "bad-target") end
  if not r.req_header["Host"] then return refusal.answer(r, 400, "no-host") end
  local own_page = target.own_page(path, r.req_attr["request.orig-uri"])
  if own_page == "almost" then return refusal.answer(r, 404, "no-such-page") end
  if headers.strip(r) > headers.most then return refusal.answer(r, 431, "too-many-headers") end
  normalize(r)
  env["BRICKGATE_TARGET"], env["BRICKGATE_METHOD"] = sent, method
  if own_page then return send_to_responder(r, tier) end
  headers.name_websocket(r, method)
  return send_to_authorizer(r)
end

-- The reason why the authorizer's reply is no allow, or nil.
local function objection(r, tier)
  local env = r.req_env
  if env["BRICKGATE_TARGET"] ~= r.req_attr["request.uri"] then return "target-changed" end
  if env["BRICKGATE_METHOD"] ~= judged_method(r) then return "method-changed" end
  if env["BRICKGATE_LISTENER"] ~= tier then return "wrong-tier" end
  if (env["BRICKGATE_TIER"] or tier) ~= tier then return "wrong-tier" end
  if not headers.are_printable(env) then return "bad-variable" end
  return nil
end

local function second_pass(lighty, tier)
  local r = lighty.r
  r.req_env["BRICKGATE_STAGE"] = "returned"
  local proof = proof_of(lighty, r.req_env["BRICKGATE_PROOF"])
  local reason = not proof and "no-proof" or objection(r, tier)
  if reason then return refusal.answer(r, 403, reason) end
  r.req_env["BRICKGATE_PROOF"] = proof -- from here on the proof for the egress
  normalize(r)
  headers.strip(r)
  headers.fulfil(r)
  headers.name_client(r)
  r.req_header["Host"] = settings.public[tier].authority -- becomes X-Forwarded-Host
  r.req_env["BRICKGATE_STAGE"] = "authorized"
  r.req_attr["uri.path"] = "//brickgate-authorized"
  return 0
end

-- The verdict of this pass: 0 sends the request to its assigned backend, else a status.
function gate.judge(lighty, tier)
  local stage = lighty.r.req_env["BRICKGATE_STAGE"]
  if stage == nil then return first_pass(lighty, tier) end
  if stage == "checking" then return second_pass(lighty, tier) end
  return refusal.answer(lighty.r, 403, "bad-stage")
end

return gate
