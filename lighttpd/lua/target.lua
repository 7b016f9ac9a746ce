-- Accepts only targets that every parser behind the gate reads as the gate does. lighttpd has
-- already rejected `//`, dot segments, controls and invalid UTF-8, and brought the target to its
-- normal form: upper-case hex, unreserved characters decoded.
local target = {}

-- These paths contain names of users' files, so they may contain characters that are rejected
-- elsewhere, `%2F` too: the Databricks CLI escapes the whole name. sidecar/src/http/target.ts has
-- the same list.
local FILE_PREFIXES = {
  "/api/2.0/fs/files/", "/api/2.0/fs/directories/", "/api/2.0/workspace-files/",
}

local MOST_DECODINGS = 4

local function starts_with(text, prefix)
  return text:sub(1, #prefix) == prefix
end

local function is_file_path(path)
  for _, prefix in ipairs(FILE_PREFIXES) do
    if starts_with(path, prefix) then return true end
  end
  return false
end

-- `;` starts a path parameter for some servers; `%23`, `%25`, `%3F` change meaning when decoded.
local function has_ambiguous_character(path)
  return path:find(";", 1, true) or path:find("%%2[35]") or path:find("%%3[BF]")
end

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function count_slashes(text)
  return select(2, text:gsub("/", ""))
end

local function is_unsafe(text)
  return text:find("[\0-\31\127\\]") or text:find("//", 1, true) or not utf8.len(text)
    or (text .. "/"):find("/%.%.?[/;?#]")
end

-- INVARIANT: however often a server behind the gate decodes, no stage has other segments than the
-- first. Otherwise that server would serve another path than the judged path.
local function is_unambiguous(path)
  local stage, slashes = path, count_slashes(path)
  for _ = 0, MOST_DECODINGS do
    if is_unsafe(stage) or count_slashes(stage) ~= slashes then return false end
    local decoded = decode(stage)
    if decoded == stage then return true end
    stage = decoded
  end
  return false
end

-- The path with its escaped slashes as separators.
local function separated(path)
  return (path:gsub("%%2[Ff]", "/"))
end

-- The path of an origin-form target without its query, or nil when the request must be rejected.
--
-- INVARIANT: an escaped slash is judged as a separator. A server that reads the slash as part of a
-- name sees fewer segments, and no empty or dot segment that this check missed.
function target.path_of(request_target)
  if not request_target:find("^/[\33-\126]*$") then return nil end
  local path = request_target:match("^[^?]*")
  if not is_file_path(path) then
    return not has_ambiguous_character(path) and is_unambiguous(path) and path or nil
  end
  local ends_in_escaped_slash = path:find("%%2[Ff]$")
  return not ends_in_escaped_slash and is_unambiguous(separated(path)) and path or nil
end

local MOST_LOGGED = 512

-- The path for the access log, with a visible cut, because a target may have 32 KB.
function target.logged_path(request_target)
  local path = request_target:match("^[^?]*")
  return #path > MOST_LOGGED and path:sub(1, MOST_LOGGED) .. "[cut]" or path
end

local OWN_PREFIX = "/_brickgate"

-- Whether a target names Brickgate's own pages: "exactly", "almost" (another case, an encoded
-- letter, the prefix of a longer name), or false. `as_sent` is the target before lighttpd
-- normalized it.
function target.own_page(path, as_sent)
  if not starts_with(path:lower(), OWN_PREFIX) then return false end
  local is_exact = starts_with(path, OWN_PREFIX .. "/") and starts_with(as_sent, OWN_PREFIX .. "/")
  return is_exact and "exactly" or "almost"
end

return target
