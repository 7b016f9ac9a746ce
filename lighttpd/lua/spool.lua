-- Whether lighttpd can store a part of a body in its spool (conf.d/limits.conf). Writes a file
-- there, so it runs only after a failure of lighttpd.
local PART = string.rep("\0", 65536)

return function()
  local path = os.getenv("BRICKGATE_SPOOL_DIR") .. "/brickgate-probe"
  local file = io.open(path, "wb")
  if not file then return false end
  local is_written = file:write(PART) and file:flush()
  file:close()
  os.remove(path)
  return is_written and true or false
end
