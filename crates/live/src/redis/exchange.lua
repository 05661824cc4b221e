-- Takes what a replica spent from the shared buckets, and tells how full they are.
--
-- KEYS  buckets      ARGV  per bucket: spent, rate, burst
-- Answers the tokens of each bucket. Time is this server's, so replicas need not agree on it.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local answers = {}
for i, key in ipairs(KEYS) do
  local spent, rate, burst = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local known = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = burst
  if known[1] then
    tokens = math.min(burst, tonumber(known[1]) + math.max(0, now - tonumber(known[2])) / 1000 * rate)
  end
  tokens = tokens - spent
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', now))
  -- Full again is the same as gone. A week at most, whatever the rate.
  local full_ms = math.min(math.ceil(math.max(0, burst - tokens) / rate * 1000) + 1000, 604800000)
  redis.call('PEXPIRE', key, string.format('%d', full_ms))
  answers[i] = string.format('%.6f', tokens)
end
return answers
