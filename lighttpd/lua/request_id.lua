-- A new name for a request, 32 hex digits: it goes to the client, to the logs and to the workspace.
local function draw(lighty)
  local function word() return lighty.c.rand() & 0xffffffff end
  return string.format("%08x%08x%08x%08x", word(), word(), word(), word())
end

-- Refusals name it, and some SDKs retry for minutes whatever has `429` in its message.
return function(lighty)
  local id
  repeat id = draw(lighty) until not id:find("429", 1, true)
  return id
end
