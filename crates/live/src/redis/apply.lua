-- Counts a batch, or a part of a rebuild: whole, or not at all.
--
-- KEYS  fence, epochs, short list, long list; then per block: (minute, bytes spent in its hour)*, (hours)*, visitors if any, newest if any
-- ARGV  mode, epoch, first, from, after, now, begun, paths per minute, bytes per hour, visitors, oldest visitor, then the blocks:
--       channel, minutes, hours, visitors, newest, and as many of
--       (ttl, pageviews, paths, (path, count)*), (ttl, fields, (hour, count)*), (ts, visitor), (ts, event)
--
-- mode "apply" compares the fence and announces; "begin" and "fill" write an epoch that nobody reads yet.
-- Answers {"done", epoch, next}, {"hole", next or nothing}, {"again", epoch, next}: made for another epoch or place, or {"lost"}.
local OTHER, TOTAL = 'p(other)', 't'
-- What an entry costs beside its text, about.
local ENTRY = 60
local DAY = 86400
local fence, epochs, short, long = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local mode, epoch, after = ARGV[1], ARGV[2], ARGV[5]
local most_paths, most_bytes, most_visitors = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])

if mode == 'apply' then
  local known = redis.call('HMGET', fence, 'epoch', 'next')
  if not known[1] or not known[2] then return {'hole'} end
  local next = tonumber(known[2])
  if tonumber(ARGV[3]) > next then return {'hole', known[2]} end
  if tonumber(after) <= next then return {'done', known[1], known[2]} end
  if known[1] ~= epoch or tonumber(ARGV[4]) ~= next then return {'again', known[1], known[2]} end
  redis.call('HSET', fence, 'next', after)
  redis.call('EXPIRE', fence, 32 * DAY)
  redis.call('EXPIRE', epochs, 32 * DAY)
else
  if mode == 'begin' then
    redis.call('ZADD', epochs, ARGV[7], epoch)
    redis.call('EXPIRE', epochs, 32 * DAY)
  end
  if tonumber(redis.call('ZSCORE', epochs, epoch) or 0) <= 0 then return {'lost'} end
end

-- Keys made here, by list, and bytes spent on new paths, by hour: written at the end.
local made = {[short] = {}, [long] = {}}
local function list(name, key) table.insert(made[name], key) end
local spending = {}

local k, a = 5, 12
while a <= #ARGV do
  local channel, minutes, hours, visitors, newest =
    ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  a = a + 5

  for _ = 1, minutes do
    local key, spent_key = KEYS[k], KEYS[k + 1]
    local ttl, pageviews, paths = ARGV[a], ARGV[a + 1], tonumber(ARGV[a + 2])
    k, a = k + 2, a + 3
    local spent = spending[spent_key]
    if not spent and paths > 0 then
      local before = redis.call('GET', spent_key)
      spent = {bytes = tonumber(before or 0), new = not before, ttl = ttl}
      spending[spent_key] = spent
    end
    local wanted = 0
    for at = a, a + 2 * paths - 1, 2 do wanted = wanted + #ARGV[at] + ENTRY end
    if redis.call('HINCRBY', key, TOTAL, pageviews) == tonumber(pageviews) then
      redis.call('EXPIRE', key, ttl)
      list(short, key)
      if paths > 0 and paths <= most_paths and spent.bytes + wanted <= most_bytes then
        -- Nothing is there yet and all of it fits.
        redis.call('HSET', key, unpack(ARGV, a, a + 2 * paths - 1))
        spent.bytes, spent.changed = spent.bytes + wanted, true
        a, paths = a + 2 * paths, 0
      end
    end
    local left
    local rest = 0
    for _ = 1, paths do
      local path, count = ARGV[a], tonumber(ARGV[a + 1])
      a = a + 2
      if path == OTHER then
        rest = rest + count
      elseif left and left <= 0 and redis.call('HEXISTS', key, path) == 0 then
        rest = rest + count
      elseif redis.call('HINCRBY', key, path, count) == count then
        -- A new path. The table holds the total and this path beside those before.
        if not left then left = most_paths - (redis.call('HLEN', key) - 2 - redis.call('HEXISTS', key, OTHER)) end
        local cost = #path + ENTRY
        if left > 0 and spent.bytes + cost <= most_bytes then
          left, spent.bytes, spent.changed = left - 1, spent.bytes + cost, true
        else
          redis.call('HDEL', key, path)
          rest = rest + count
        end
      end
    end
    if rest > 0 then redis.call('HINCRBY', key, OTHER, rest) end
  end

  for _ = 1, hours do
    local key, ttl, fields = KEYS[k], ARGV[a], tonumber(ARGV[a + 1])
    k, a = k + 1, a + 2
    if redis.call('EXISTS', key) == 0 then list(long, key) end
    for _ = 1, fields do
      redis.call('HINCRBY', key, ARGV[a], ARGV[a + 1])
      a = a + 2
    end
    redis.call('EXPIRE', key, ttl)
  end

  if visitors > 0 then
    local visitors_key = KEYS[k]
    k = k + 1
    local held = redis.call('ZCARD', visitors_key)
    if held == 0 then list(short, visitors_key) end
    if held + visitors > most_visitors then
      redis.call('ZREMRANGEBYSCORE', visitors_key, '-inf', ARGV[11])
      held = redis.call('ZCARD', visitors_key)
    end
    if held + visitors <= most_visitors then
      for from = a, a + 2 * visitors - 1, 1000 do
        redis.call('ZADD', visitors_key, 'GT', unpack(ARGV, from, math.min(from + 999, a + 2 * visitors - 1)))
      end
    else
      for at = a, a + 2 * visitors - 1, 2 do
        if held < most_visitors then
          held = held + redis.call('ZADD', visitors_key, 'GT', ARGV[at], ARGV[at + 1])
        else
          redis.call('ZADD', visitors_key, 'XX', 'GT', ARGV[at], ARGV[at + 1])
        end
      end
    end
    redis.call('ZREMRANGEBYSCORE', visitors_key, '-inf', ARGV[11])
    redis.call('EXPIRE', visitors_key, 35 * 60)
    a = a + 2 * visitors
  end

  if newest > 0 then
    local newest_key = KEYS[k]
    k = k + 1
    if redis.call('EXISTS', newest_key) == 0 then list(long, newest_key) end
    redis.call('ZADD', newest_key, unpack(ARGV, a, a + 2 * newest - 1))
    redis.call('ZREMRANGEBYRANK', newest_key, 0, -21)
    redis.call('EXPIRE', newest_key, 31 * DAY)
    a = a + 2 * newest
  end

  if mode == 'apply' then redis.call('PUBLISH', channel, '') end
end

for spent_key, spent in pairs(spending) do
  if spent.changed then
    redis.call('SET', spent_key, string.format('%d', spent.bytes), 'EX', spent.ttl)
    if spent.new then list(short, spent_key) end
  end
end
for name, keys in pairs(made) do
  for from = 1, #keys, 1000 do
    redis.call('SADD', name, unpack(keys, from, math.min(from + 999, #keys)))
  end
  if #keys > 0 then redis.call('EXPIRE', name, name == short and DAY + 7200 or 42 * DAY) end
end
return {'done', epoch, after}
