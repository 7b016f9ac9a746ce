-- magnet.attract-response-start-to: the last word on every answer's status and headers. A Lua error
-- here is only logged, and the answer goes out as it is.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
local counters = require("counters")
local refusal = require("refusal")
local request_id = require("request_id")
local settings = require("settings")
local has_room_in_spool = require("spool")
local target = require("target")

local r = lighty.r
local headers, env = r.resp_header, r.req_env

-- The session's cookie, and those of sign-ins under way, whose names end in an id.
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

-- lighttpd keeps repeated Set-Cookie fields in one value. A cookie without a name is stored by some
-- browsers under what looks like its value, hence the `=`.
local function without_own_cookies(value)
  local kept = {}
  for cookie in (value .. "\r\nSet-Cookie: "):gmatch("(.-)\r\n[^:]*: ") do
    local name = cookie:match("^[%s=]*([^=;%s]*)")
    if not is_own_cookie(name:lower()) then kept[#kept + 1] = cookie end
  end
  return table.concat(kept, "\r\nSet-Cookie: ")
end

-- What lighttpd made itself is `text/html` without a charset, or has no type at all where it could
-- make nothing of a backend's status. Our backends never answer so.
local function is_error_page(status)
  local content_type = headers["Content-Type"]
  return status >= 400 and (content_type == nil or content_type == "text/html")
end

-- The gate came to no verdict: lighttpd refused the request before, a script failed, or none ran.
local function without_verdict(status)
  if REASONS[status] then return replace(status, REASONS[status]) end
  if status == 500 then return replace(500, "gate-failed") end
  return replace(503, "no-gate")
end

-- The authorizer may refuse or send to sign-in; anything else it said is its failure, and so are
-- the errors that lighttpd made of its silence.
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

-- 503 invites a retry, so it is only for what never left; of another failure nobody knows.
local function without_egress(status)
  local is_clients_fault = status >= 400 and status < 500
  if is_clients_fault then return replace(status, REASONS[status] or "bad-request") end
  -- of its spool lighttpd says 500 as of any failure; the workspace then has no whole request
  if status == 500 and not has_room_in_spool() then return replace(503, "spool-full") end
  return replace((status == 503 or status == 504) and status or 502, "egress-unavailable")
end

-- The parts of a repeated header, which lighttpd keeps in one value, that are no trailers.
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

-- lighttpd below 1.4.80 makes headers of the trailers of an answer that is there at once, and leaves a
-- CR at the end of each, which no header can have. INVARIANT: no trailer stays; one that changes the
-- framing would make a client read the next answer wrongly. Lua can't remove those that frame: they go
-- when the body is set anew. Returns the status if the body was.
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

-- As egress/haproxy.cfg words its own errors.
local EGRESS_MESSAGES = {
  [500] = "the gateway failed",
  [502] = "the workspace gave no usable answer",
  [503] = "the workspace is not available for the moment",
  [504] = "the workspace did not answer in time",
}

-- Bytes of an answer from which on its end closes the connection.
local LARGE = 1048576

-- lighttpd keeps the connection of an answer that ends before its Content-Length, and the client waits for
-- the rest. INVARIANT: the end of the connection shows that it does not come, after an answer that the
-- egress saw end early, and after a large one, which the egress cannot wait for.
local function close_after_parts(mark, status)
  local length = math.tointeger(headers["Content-Length"]) or 0
  local has_body = r.req_attr["request.method"] ~= "HEAD" and status ~= 304
  if mark == "cut" or (has_body and length >= LARGE) then r.req_item["keep_alive"] = 0 end
end

-- Only the egress answers an authorized request. It marks what it answers, and what of that is its
-- own error, `failed`, or ended too early, `cut`.
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

-- lighttpd asks the authorizer before it reads a body, and closes a connection whose body it has not
-- read to the end. INVARIANT: the answer says so first, or a client sends its next request into the
-- closed connection and cannot know whether that request ran.
local function announce_close()
  if r.req_body.len ~= r.req_body.bytes_in then r.req_item["keep_alive"] = 0 end
end

local function complete()
  announce_close()
  remove_headers(function(name) return name:find("^variable%-") end)
  headers["X-Request-Id"] = headers["X-Request-Id"] or env["BRICKGATE_REQUEST_ID"] or ""
  -- the workspace's own would speak for our host name and its subdomains
  local public = settings.public[env["BRICKGATE_LISTENER"]]
  headers["Strict-Transport-Security"] = public and public.strict_transport or ""
end

-- What lighttpd refused before the gate saw it has no name yet.
env["BRICKGATE_REQUEST_ID"] = env["BRICKGATE_REQUEST_ID"] or request_id(lighty)
env["BRICKGATE_LOGGED_PATH"] = env["BRICKGATE_LOGGED_PATH"]
  or target.logged_path(r.req_attr["request.uri"] or "")
local status = answer(r.req_item["http_status"])
complete()
counters.count(lighty, status == 0 and r.req_item["http_status"] or status)
return status
