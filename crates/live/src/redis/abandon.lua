-- Gives an epoch up unless it counts: nothing is written to it and it never counts from then on. Works without free memory.
--
-- KEYS  fence, epochs      ARGV  epoch
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
