-- magnet.attract-response-start-to: runs last on every answer's status and headers. A Lua error
-- here is only logged, and the answer goes out unchanged.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
local counters = require("counters")
local refusal = require("refusal")
local request_id = require("request_id")
local settings = require("settings")
local has_room_in_spool = require("spool")
local target = require("target")

local r = lighty.r
local headers, env = r.resp_header, r.req_env

-- The session cookie, and the cookies of unfinished sign-ins, which end in an id.
local function is_own_cookie(name)
  return name == "__host-brickgate" or name:find("^__host%-brickgate%-signin") ~= nil
end

local REASONS = {
  [400] = "bad-request", [405] = "method-not-allowed", [411] = "length-required",
  [413] = "body-too-large",
  [417] = "bad-expectation", [421] = "misdirected-request", [431] = "headers-too-large",
  [501] = "not-implemented", [505] = "bad-version",
}

local function remove_headers(is_unwanted)
  local names = {}
  for name in pairs(headers) do
    if is_unwanted(name:lower()) then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do headers[name] = "" end
end

local function replace(status, reason)
  remove_headers(function() return true end)
  return refusal.answer(r, status, reason)
end

-- lighttpd keeps repeated Set-Cookie fields in a single value. Some browsers store a cookie without
-- a name under its apparent value, hence the `=`.
local function without_own_cookies(value)
  local kept = {}
  for cookie in (value .. "\r\nSet-Cookie: "):gmatch("(.-)\r\n[^:]*: ") do
    local name = cookie:match("^[%s=]*([^=;%s]*)")
    if not is_own_cookie(name:lower()) then kept[#kept + 1] = cookie end
  end
  return table.concat(kept, "\r\nSet-Cookie: ")
end

-- lighttpd's own error pages are `text/html` without a charset, or have no type where a backend's
-- status was unusable. The backends never answer in this form.
local function is_error_page(status)
  local content_type = headers["Content-Type"]
  return status >= 400 and (content_type == nil or content_type == "text/html")
end

-- The gate made no verdict: lighttpd rejected the request before, a script failed, or none ran.
local function without_verdict(status)
  if REASONS[status] then return replace(status, REASONS[status]) end
  if status == 500 then return replace(500, "gate-failed") end
  return replace(503, "no-gate")
end

-- The authorizer may deny or redirect to sign-in. Every other answer is its failure, and so are the
-- errors that lighttpd makes when it does not answer.
local function from_authorizer(status)
  local is_redirect = (status == 302 or status == 303) and headers["Location"]
  if is_error_page(status) and status >= 500 then
    return replace(503, status == 504 and "authorizer-timeout" or "authorizer-unavailable")
  end
  if is_error_page(status) then return replace(status, REASONS[status] or "authorizer-refused") end
  if status < 400 and not is_redirect then return replace(503, "authorizer-malformed") end
  return 0
end

local function from_responder(status)
  if not is_error_page(status) then return 0 end
  if status < 500 then return replace(status, REASONS[status] or "responder-refused") end
  return replace(503, status == 504 and "responder-timeout" or "responder-unavailable")
end

-- 503 invites a retry, so it is only for requests that never left; other requests may have run.
local function without_egress(status)
  local is_clients_fault = status >= 400 and status < 500
  if is_clients_fault then return replace(status, REASONS[status] or "bad-request") end
  -- lighttpd answers 500 for a full spool; the workspace then has no whole request
  if status == 500 and not has_room_in_spool() then return replace(503, "spool-full") end
  return replace((status == 503 or status == 504) and status or 502, "egress-unavailable")
end

-- The parts of a repeated header that are no trailers. lighttpd keeps the parts in a single value.
local function parts_of_headers(value)
  local parts = {}
  local before = ""
  for part, separator in (value .. "\r\nX: "):gmatch("(.-)(\r\n[^:]*: )") do
    local is_trailer = part:sub(-1) == "\r"
    if not is_trailer then parts[#parts + 1] = before .. part end
    before = #parts > 0 and separator or ""
  end
  return table.concat(parts)
end

-- lighttpd below 1.4.80 turns trailers of an answer that arrives at once into headers, and leaves a
-- CR at the end of each, which no header can have. Lua cannot remove framing trailers: setting the
-- body anew removes them. Returns the status if the body was set.
--
-- INVARIANT: no trailer stays. A trailer that changes the framing would make a client misread the
-- next answer.
local function remove_trailers(status)
  local merged = {}
  for name, value in pairs(headers) do
    if value:find("\r", 1, true) then merged[name] = parts_of_headers(value) end
  end
  local is_any = false
  for name, value in pairs(merged) do
    if value ~= headers[name] then
      is_any = true
      headers[name] = value
    end
  end
  if not is_any then return 0 end
  local body = r.resp_body.get -- before `set` is looked up, which already clears it
  r.resp_body.set(body)
  r.req_item["keep_alive"] = 0
  return status
end

-- The messages of egress/haproxy.cfg for its own errors.
local EGRESS_MESSAGES = {
  [500] = "the gateway failed",
  [502] = "the workspace gave no usable answer",
  [503] = "the workspace is not available for the moment",
  [504] = "the workspace did not answer in time",
}

-- Bytes from which on the end of an answer closes the connection.
local LARGE = 1048576

-- lighttpd keeps the connection of an answer that ends before its Content-Length, and the client
-- waits for the rest.
--
-- INVARIANT: the connection closes after an answer that ended early in the egress, and after a
-- large answer, which the egress cannot buffer. Otherwise the client would wait for bytes that
-- never come.
local function close_after_parts(mark, status)
  local length = math.tointeger(headers["Content-Length"]) or 0
  local has_body = r.req_attr["request.method"] ~= "HEAD" and status ~= 304
  if mark == "cut" or (has_body and length >= LARGE) then r.req_item["keep_alive"] = 0 end
end

-- Only the egress answers an authorized request. It marks its answers: `failed` for its own errors,
-- `cut` for answers that ended too early.
local function from_egress(status)
  local mark = headers["X-Brickgate-Egress"]
  if not mark then return without_egress(status) end
  local message = mark == "failed" and EGRESS_MESSAGES[status]
  if message then refusal.name_for_thrift(r, refusal.with_id(r, message)) end
  close_after_parts(mark, status)
  headers["X-Brickgate-Egress"] = ""
  headers["Alt-Svc"] = ""
  headers["Clear-Site-Data"] = ""
  headers["Trailer"] = ""
  local status_of_new_body = remove_trailers(status)
  headers["Set-Cookie"] = without_own_cookies(headers["Set-Cookie"] or "")
  return status_of_new_body
end

local function answer(status)
  local stage = env["BRICKGATE_STAGE"]
  if stage == "answered" then return 0 end
  if stage == "checking" then return from_authorizer(status) end
  if stage == "responder" then return from_responder(status) end
  if stage == "authorized" then return from_egress(status) end
  return without_verdict(status)
end

-- lighttpd calls the authorizer before it reads a body, and closes a connection with an unread
-- body.
--
-- INVARIANT: the answer announces the close, or a client would send its next request into the
-- closed connection without knowing whether that request ran.
local function announce_close()
  if r.req_body.len ~= r.req_body.bytes_in then r.req_item["keep_alive"] = 0 end
end

local function complete()
  announce_close()
  remove_headers(function(name) return name:find("^variable%-") end)
  headers["X-Request-Id"] = headers["X-Request-Id"] or env["BRICKGATE_REQUEST_ID"] or ""
  -- the workspace's own value would apply to the gateway's host name and subdomains
  local public = settings.public[env["BRICKGATE_LISTENER"]]
  headers["Strict-Transport-Security"] = public and public.strict_transport or ""
end

-- A request that lighttpd rejected before the gate has no id yet.
env["BRICKGATE_REQUEST_ID"] = env["BRICKGATE_REQUEST_ID"] or request_id(lighty)
env["BRICKGATE_LOGGED_PATH"] = env["BRICKGATE_LOGGED_PATH"]
  or target.logged_path(r.req_attr["request.uri"] or "")
local status = answer(r.req_item["http_status"])
complete()
counters.count(lighty, status == 0 and r.req_item["http_status"] or status)
return status
