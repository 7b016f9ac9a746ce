-- The deployment's proof, read once per Lua state: lighttpd reloads after a rotation. The file's
-- first line is the current value, an optional second one the previous, both accepted here.
-- INVARIANT: a file that is missing or holds anything else leaves no proof that could match: the
-- error makes every request a 500, and the next one reads the file again. It shows nothing it read.
local HEX_DIGITS, MOST_LINES = 64, 2

local function is_proof(line)
  return #line == HEX_DIGITS and not line:find("[^0-9a-f]")
end

local function read(path)
  local file = path and io.open(path)
  if not file then error("the proof file cannot be read", 0) end
  local accepted, lines = {}, 0
  for line in file:lines() do
    if not is_proof(line) then lines = MOST_LINES end
    accepted[line], lines = true, lines + 1
  end
  file:close()
  if lines < 1 or lines > MOST_LINES then error("the proof file is malformed", 0) end
  return accepted
end

return read(os.getenv("BRICKGATE_PROOF_FILE"))
