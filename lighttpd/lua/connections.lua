-- Counts the connections of a client's network, including those that never finish their headers.
local network_of = require("network")
local settings = require("settings")
local connections = {}

local counts, counted_at = {}, nil

-- An HTTP/2 connection appears for itself and for each of its streams, in a row; without streams it
-- does not appear. Where proxies name the client in a header, a connection is the proxy's until its
-- request arrives, and the client then has no port: there, requests count.
local function count_addresses(lighty)
  local found, last = {}, nil
  for r in lighty.server.irequests() do
    local address, port = r.req_attr["request.remote-addr"], r.req_attr["request.remote-port"]
    local connection = address .. " " .. port
    local is_proxys = settings.is_client_named and r.req_attr["request.method"] == ""
    if not is_proxys and (connection ~= last or port == "0") then
      found[address] = (found[address] or 0) + 1
      last = connection
    end
  end
  return found
end

local function count(lighty)
  local found = {}
  for address, held in pairs(count_addresses(lighty)) do
    local network = network_of(address)
    found[network] = (found[network] or 0) + held
  end
  return found
end

-- Whether the network of this request has more than `most` connections. Counting walks over all
-- connections, so it runs at most once a second, and never while there are fewer connections in
-- all.
function connections.exceed(lighty, most)
  if lighty.server.stats["clients_open"] <= most then return false end
  local now = lighty.c.time()
  if now ~= counted_at then counts, counted_at = count(lighty), now end
  return (counts[network_of(lighty.r.req_attr["request.remote-addr"])] or 0) > most
end

return connections
