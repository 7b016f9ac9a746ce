-- magnet.attract-raw-url-to of the admin listener: serves the counters and nothing else.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
local counters = require("counters")
local refusal = require("refusal")

local r = lighty.r
r.req_env["BRICKGATE_LISTENER"] = "admin"
if r.req_attr["request.uri"] ~= "/metrics" then return refusal.answer(r, 404, "no-such-page") end
r.req_env["BRICKGATE_STAGE"] = "answered"
r.resp_header["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
r.resp_header["Cache-Control"] = "no-store"
r.resp_body.set(counters.page(lighty))
return 200
