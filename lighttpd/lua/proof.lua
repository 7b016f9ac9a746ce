-- The deployment's proof, read once per Lua state: lighttpd reloads after a rotation. The file's first
-- line is the current value, an optional second one the previous, both accepted here.
-- INVARIANT: a file that is missing or holds anything else leaves no proof that could match: the error
-- makes every request a 500, and the next one reads the file again. It never shows what it read.
local HEX_DIGITS, MOST_LINES = 64, 2

local function is_proof(line)
  return #line == HEX_DIGITS and not line:find("[^0-9a-f]")
end

local function read(path)
  local file = path and io.open(path)
  if not file then error("the proof file cannot be read", 0) end
  local lines, are_proofs = {}, true
  for line in file:lines() do
    lines[#lines + 1] = line
    are_proofs = are_proofs and is_proof(line)
  end
  file:close()
  if not are_proofs or #lines < 1 or #lines > MOST_LINES then error("the proof file is malformed", 0) end
  return lines
end

local lines = read(os.getenv("BRICKGATE_PROOF_FILE"))

-- An allow carries not the proof but what is made of it, so that whoever may ask the sidecar learns
-- nothing that opens the egress.
local function of_allow(lighty, line)
  return lighty.c.hmac("sha256", line, "brickgate allow"):lower()
end

-- The proof for the egress when what an allow carried was made of it, else nil.
return function(lighty, carried)
  for _, line in ipairs(lines) do
    if carried == of_allow(lighty, line) then return line end
  end
  return nil
end
