-- The network that a single client may own, by the rule of sidecar/src/domain/network.ts: an IPv4
-- address, also when mapped into IPv6, or the /64 of an IPv6 address.
local GROUPS = 8

-- The 16-bit groups of a part of an IPv6 address. A dotted IPv4 address at the end yields two
-- groups.
local function append_groups(groups, text)
  for group in text:gmatch("[^:]+") do
    local a, b, c, d = group:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    if a then
      groups[#groups + 1] = a * 256 + b
      groups[#groups + 1] = c * 256 + d
    else
      groups[#groups + 1] = tonumber(group:match("^%x+"), 16) or 0
    end
  end
end

-- `address` as lighttpd wrote it, or as lighttpd parsed it from a proxy's header.
local function network_of(address)
  if not address:find(":", 1, true) then return address end
  local head, tail = address:match("^(.-)::(.*)$")
  local groups, after = {}, {}
  append_groups(groups, head or address)
  append_groups(after, tail or "")
  for at = #groups + 1, GROUPS - #after do groups[at] = 0 end
  for _, group in ipairs(after) do groups[#groups + 1] = group end
  local network = ("%x:%x:%x:%x"):format(table.unpack(groups, 1, 4))
  if network == "0:0:0:0" and groups[5] == 0 and groups[6] == 0xffff then
    local high, low = groups[7], groups[8]
    return ("%d.%d.%d.%d"):format(high >> 8, high & 0xff, low >> 8, low & 0xff)
  end
  return network
end

return network_of
