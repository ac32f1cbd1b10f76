-- wrk's side: `wrk -s load.lua URL -- get [TOKEN]`, `-- post`, or `-- order TOKENS FIRST LAST GROUP_BUYING`: orders of the buyers on
-- these lines of TOKENS, each in turn.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(args)
  good, bad, sent, tokens = 0, 0, 0, {}
  if args[1] == "get" then
    if args[2] then wrk.headers["Authorization"] = "Bearer " .. args[2] end
    return
  end
  wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
  wrk.body = string.format('{"groupBuyingId": %d, "qty": 1, "deliverType": 1, "phone": "13800008000"}', tonumber(args[5] or 1))
  if args[1] == "post" then return end
  local line = 0
  for token in io.lines(args[2]) do
    line = line + 1
    if line > tonumber(args[3]) and line <= tonumber(args[4]) and line % 2 == number then table.insert(tokens, token) end
  end
end

function request()
  if #tokens == 0 then return wrk.format() end
  sent = sent + 1
  wrk.headers["Authorization"] = "Bearer " .. tokens[(sent - 1) % #tokens + 1]
  return wrk.format()
end

function response(status, headers, body)
  -- A refusal is short, and a list may be long.
  if status == 204 or status == 200 and (#body > 500 or not body:find('"status":[^2]')) then good = good + 1 else bad = bad + 1 end
end

function done(summary, latency)
  local good, bad = 0, 0
  for _, thread in ipairs(threads) do
    good, bad = good + thread:get("good"), bad + thread:get("bad")
  end
  -- What got no answer never came to response().
  for _, kind in ipairs({"connect", "read", "write", "timeout"}) do bad = bad + summary.errors[kind] end
  print(string.format('RESULT {"good": %d, "bad": %d, "seconds": %f, "median_ms": %f, "p99_ms": %f}',
    good, bad, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
