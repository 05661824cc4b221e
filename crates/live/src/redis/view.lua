-- What one shard knows for the live panels of a domain.
--
-- KEYS  fence, visitors, newest, four of hours, then the minutes
-- ARGV  epoch, since for visitors, since for current visitors, most visitors to name (0: none), most paths
-- Answers {} without a fence, {epoch} where another one counts, else
-- {epoch, current, visitors, ids end to end or "", newest, something is there, pageviews by minute, {path, count…}}.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
if epoch ~= ARGV[1] then return {epoch} end
local current = redis.call('ZCOUNT', KEYS[2], ARGV[3], '+inf')
local visitors = redis.call('ZCOUNT', KEYS[2], ARGV[2], '+inf')
local ids = ''
if visitors <= tonumber(ARGV[4]) then ids = table.concat(redis.call('ZRANGEBYSCORE', KEYS[2], ARGV[2], '+inf')) end
local newest = redis.call('ZREVRANGE', KEYS[3], 0, -1)
local there = redis.call('EXISTS', unpack(KEYS, 2, 7))

local bars, counts, distinct = {}, {}, 0
for i = 8, #KEYS do
  local fields = redis.call('HGETALL', KEYS[i])
  local pageviews = 0
  for j = 1, #fields, 2 do
    local path, count = fields[j], tonumber(fields[j + 1])
    if path == 't' then
      pageviews = count
    elseif counts[path] then
      counts[path] = counts[path] + count
    else
      counts[path], distinct = count, distinct + 1
    end
  end
  bars[#bars + 1] = pageviews
end

-- Too many: those with the highest counts, and of the next count as many as fit.
local most, least, at_least = tonumber(ARGV[5]), 0, 0
if distinct > most then
  local having, levels = {}, {}
  for _, count in pairs(counts) do
    if not having[count] then levels[#levels + 1] = count end
    having[count] = (having[count] or 0) + 1
  end
  table.sort(levels, function(one, other) return one > other end)
  local kept = 0
  for _, count in ipairs(levels) do
    if kept + having[count] > most then
      least, at_least = count, most - kept
      break
    end
    kept = kept + having[count]
  end
end
local paths = {}
for path, count in pairs(counts) do
  local fits = count > least or path == 'p(other)'
  if count == least and at_least > 0 then fits, at_least = true, at_least - 1 end
  if fits then
    paths[#paths + 1] = path
    paths[#paths + 1] = count
  end
end
return {epoch, current, visitors, ids, newest, there, bars, paths}
