-- The deployment's proof, read once per Lua state: lighttpd reloads after a rotation. The file's
-- first line is the current proof, an optional second line the previous proof; both are accepted
-- here.
--
-- INVARIANT: with a missing or malformed file no proof matches, or the gate would fail open. The
-- error makes every request a 500, and the next request reads the file again. Errors never show the
-- content.
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

-- HMAC of the proof, which an allow carries in place of the proof. A process that may call the
-- sidecar thus learns nothing that opens the egress.
local function mac_of_allow(lighty, line)
  return lighty.c.hmac("sha256", line, "brickgate allow"):lower()
end

-- The proof for the egress when an allow carried its HMAC, else nil.
return function(lighty, mac)
  for _, line in ipairs(lines) do
    if mac == mac_of_allow(lighty, line) then return line end
  end
  return nil
end
