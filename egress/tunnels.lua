-- Ends tunnels by age, because `timeout tunnel` only ends silent tunnels. haproxy.cfg assigns
-- tunnels to three servers in turn, by the window of time in which they begin. When a window
-- begins, the next server in turn, unused for a window, loses all its tunnels. So a tunnel lives
-- for at least one window and at most two.
local SERVERS, LOOK_EVERY_MS = 3, 500

local window_s = math.tointeger(tonumber(os.getenv("BRICKGATE_TUNNEL_WINDOW_S")))
if not window_s or window_s < 1 then error("BRICKGATE_TUNNEL_WINDOW_S is no number of seconds") end

core.register_task(function()
  while true do
    local next_turn = (core.now().sec // window_s + 1) % SERVERS
    core.backends["workspace"].servers["tunnels-" .. next_turn]:shut_sess()
    core.msleep(LOOK_EVERY_MS)
  end
end)
