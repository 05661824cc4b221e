-- Makes a written epoch the one that counts.
--
-- KEYS  fence, epochs      ARGV  epoch, next, begun before: what was begun before this and never finished is dead
-- Answers {"done", dead epochs…}, or {"lost"} where this epoch itself was given up by another rebuild.
local fence, epochs = KEYS[1], KEYS[2]
local epoch = ARGV[1]
if tonumber(redis.call('ZSCORE', epochs, epoch) or 0) <= 0 then return {'lost'} end
local old = redis.call('HGET', fence, 'epoch')
redis.call('HSET', fence, 'epoch', epoch, 'next', ARGV[2])
redis.call('EXPIRE', fence, 32 * 86400)
if old and old ~= epoch then redis.call('ZADD', epochs, 0, old) end
for _, stale in ipairs(redis.call('ZRANGEBYSCORE', epochs, '(0', ARGV[3])) do
  if stale ~= epoch then redis.call('ZADD', epochs, 0, stale) end
end
redis.call('EXPIRE', epochs, 32 * 86400)
local answer = redis.call('ZRANGEBYSCORE', epochs, '-inf', 0, 'LIMIT', 0, 16)
table.insert(answer, 1, 'done')
return answer
