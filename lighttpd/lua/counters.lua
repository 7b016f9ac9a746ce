-- Counts answers as clients receive them, for Prometheus, including answers that no sidecar and no
-- egress saw. lighttpd keeps the counters for all scripts until it restarts.
local counters = {}

local RESPONSES, REFUSALS = "brickgate_edge_responses_total", "brickgate_edge_refusals_total"

-- The part that answered, by the request's stage. `lighttpd` includes the gate.
local ANSWERED_BY = { checking = "authorizer", responder = "responder", authorized = "egress" }

local function add(lighty, name)
  lighty.status[name] = (lighty.status[name] or 0) + 1
end

-- INVARIANT: every label value comes from a closed list; a client's value could add endless series.
local function status_label(status)
  if status >= 500 and status <= 504 then return tostring(status) end
  return (status // 100) .. "xx"
end

-- `status` as the client receives it.
function counters.count(lighty, status)
  local env = lighty.r.req_env
  local tier, by = env["BRICKGATE_LISTENER"] or "none", ANSWERED_BY[env["BRICKGATE_STAGE"]]
  if tier == "admin" then return end
  add(lighty, string.format('%s{tier="%s",by="%s",status="%s"}', RESPONSES, tier,
    by or "lighttpd", status_label(status)))
  local reason = env["BRICKGATE_REASON"]
  if reason then add(lighty, string.format('%s{reason="%s"}', REFUSALS, reason)) end
end

local FAMILIES = {
  { RESPONSES, "Answers as clients receive them, by the part that made them." },
  { REFUSALS, "Answers that lighttpd or its gate made itself." },
}

-- Prometheus text format 0.0.4.
function counters.page(lighty)
  local lines, names = {}, {}
  for name in pairs(lighty.status) do names[#names + 1] = name end
  table.sort(names)
  for _, family in ipairs(FAMILIES) do
    lines[#lines + 1] = "# HELP " .. family[1] .. " " .. family[2]
    lines[#lines + 1] = "# TYPE " .. family[1] .. " counter"
    for _, name in ipairs(names) do
      if name:sub(1, #family[1]) == family[1] then
        lines[#lines + 1] = name .. " " .. string.format("%d", lighty.status[name])
      end
    end
  end
  lines[#lines + 1] = "# HELP brickgate_edge_connections Open client connections."
  lines[#lines + 1] = "# TYPE brickgate_edge_connections gauge"
  lines[#lines + 1] = "brickgate_edge_connections " .. lighty.server.stats["clients_open"]
  return table.concat(lines, "\n") .. "\n"
end

return counters
