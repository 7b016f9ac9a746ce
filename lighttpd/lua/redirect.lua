-- magnet.attract-raw-url-to of the plain-HTTP listener: redirects everything to the internal tier's
-- public URL, over TLS. The client's Host is ignored.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
local refusal = require("refusal")
local request_id = require("request_id")
local settings = require("settings")
local target = require("target")

local r = lighty.r
local sent = r.req_attr["request.uri"]
r.req_env["BRICKGATE_REQUEST_ID"] = request_id(lighty)
if not target.path_of(sent) then return refusal.answer(r, 400, "bad-target") end
r.req_env["BRICKGATE_STAGE"] = "answered"
r.resp_header["Location"] = settings.public.internal.url .. sent
return 308
