-- Settings of the environment, checked once per Lua state. An error here is a 500 on every request.
local settings = { public = {} }

local function checked(name, pattern)
  local value = os.getenv(name) or ""
  if not value:find(pattern) then error(name .. " is missing or malformed", 0) end
  return value
end

local FIELD_NAME = "^%a[%w%-]*$"
settings.header_user = checked("BRICKGATE_HEADER_USER", FIELD_NAME)
settings.header_email = checked("BRICKGATE_HEADER_EMAIL", FIELD_NAME)
settings.header_groups = checked("BRICKGATE_HEADER_GROUPS", FIELD_NAME)
settings.max_connections_per_address =
  math.tointeger(checked("BRICKGATE_MAX_CONNECTIONS_PER_ADDRESS", "^[1-9]%d*$"))

-- whether proxies before lighttpd name the client in a header (conf.d/trusted-proxies.sh)
settings.is_client_named = os.getenv("BRICKGATE_PROXIES_MODE") == "x_forwarded_for"

local function is_loopback(authority)
  local host = authority:lower():gsub(":%d+$", "")
  return host == "localhost" or host:find("%.localhost$") or host:find("^127%.") or host == "[::1]"
end

-- Every absolute URL comes from here, never from a client's Host.
for _, tier in ipairs({ "internal", "external" }) do
  local name = "BRICKGATE_" .. tier:upper() .. "_PUBLIC_URL"
  local url = checked(name, "^https://[^/%s]+/?$"):gsub("/$", "")
  local authority = url:match("^https://(.*)$")
  settings.public[tier] = {
    url = url,
    authority = authority,
    -- a browser would apply it to every port of a developer's localhost
    strict_transport = not is_loopback(authority) and "max-age=31536000" or "",
  }
end

return settings
