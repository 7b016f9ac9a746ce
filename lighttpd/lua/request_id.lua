-- A new request id, 32 hex digits, for the client, the logs and the workspace.
local function draw(lighty)
  local function word() return lighty.c.rand() & 0xffffffff end
  return string.format("%08x%08x%08x%08x", word(), word(), word(), word())
end

-- Errors contain the id, and some SDKs retry for minutes on a message that contains `429`.
return function(lighty)
  local id
  repeat id = draw(lighty) until not id:find("429", 1, true)
  return id
end
