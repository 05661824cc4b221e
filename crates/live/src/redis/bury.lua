-- Strikes a dead epoch whose keys are gone.
--
-- KEYS  epochs      ARGV  epoch
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 1) > 0 then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
