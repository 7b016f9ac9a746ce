-- Errors in Databricks' own format: JSON with `error_code` and `message`, and an integer
-- Retry-After wherever clients would retry.
--
-- INVARIANT: no client input is repeated; an error could otherwise carry a script or a secret.
local refusal = {}

-- `sidecar/src/domain/error-answer.ts` has the same codes and waits; a test compares them.

local METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

-- In seconds: a JDBC driver fails on a date, and on none. Not for 502, where the request may have
-- run.
local RETRY_AFTER = { [429] = "5", [503] = "5", [504] = "5" }

local ERRORS = {
  [400] = { "BAD_REQUEST", "the request is malformed" },
  [403] = { "PERMISSION_DENIED", "the request was not authorized" },
  [404] = { "NOT_FOUND", "there is no such page" },
  [405] = { "METHOD_NOT_ALLOWED", "the method is not supported" },
  -- only for POST over HTTP/1.1, where no option of lighttpd admits a request without a length
  [411] = { "LENGTH_REQUIRED", "a POST needs `Content-Length: 0` when it has no body: curl -d ''" },
  [413] = { "REQUEST_TOO_LARGE", "the body is too large" },
  [414] = { "REQUEST_TOO_LARGE", "the target is too long" },
  [417] = { "EXPECTATION_FAILED", "the expectation is not supported" },
  [421] = { "MISDIRECTED_REQUEST", "the request belongs to another connection" },
  [429] = { "RESOURCE_EXHAUSTED", "too many connections from this address" },
  [431] = { "REQUEST_TOO_LARGE", "the headers are too large" },
  [500] = { "INTERNAL_ERROR", "the gateway failed" },
  [501] = { "NOT_IMPLEMENTED", "the method or the transfer coding is unknown" },
  [502] = { "TEMPORARILY_UNAVAILABLE", "the workspace gave no usable answer" },
  [503] = { "TEMPORARILY_UNAVAILABLE", "the gateway is not available for the moment" },
  [504] = { "TEMPORARILY_UNAVAILABLE", "there was no answer in time" },
  [505] = { "HTTP_VERSION_NOT_SUPPORTED", "the version of HTTP is not supported" },
}

-- Python's SQL connector and its users read a Thrift error only from this header.
function refusal.name_for_thrift(r, message)
  if (r.req_attr["request.uri"] or ""):sub(1, 5) ~= "/sql/" then return end
  r.resp_header["X-Thriftserver-Error-Message"] = message
end

-- The message with the request id.
function refusal.with_id(r, message)
  local id = r.req_env["BRICKGATE_REQUEST_ID"]
  return id and message .. " (request id " .. id .. ")" or message
end

-- Makes the error the whole answer of this request; `reason` is for the access log. Returns the
-- status, which the script must return too.
function refusal.answer(r, status, reason)
  local known = ERRORS[status] or ERRORS[status < 500 and 400 or 500]
  local error_code, message = known[1], refusal.with_id(r, known[2])
  r.req_env["BRICKGATE_STAGE"] = "answered"
  r.req_env["BRICKGATE_REASON"] = reason
  r.resp_header["Content-Type"] = "application/json"
  r.resp_header["Cache-Control"] = "no-store"
  r.resp_header["Retry-After"] = RETRY_AFTER[status] or ""
  if status == 405 then r.resp_header["Allow"] = METHODS end
  refusal.name_for_thrift(r, message)
  r.resp_body.set(string.format('{"error_code":"%s","message":"%s"}', error_code, message))
  return status
end

return refusal
