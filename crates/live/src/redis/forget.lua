-- Removes what one shard knows of a domain.
--
-- KEYS  fence, then what to remove      ARGV  epoch
-- Answers {} without a fence, {epoch} where another one counts, else {epoch, number removed}.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
if epoch ~= ARGV[1] then return {epoch} end
local removed = 0
for from = 2, #KEYS, 1000 do
  removed = removed + redis.call('UNLINK', unpack(KEYS, from, math.min(from + 999, #KEYS)))
end
return {epoch, removed}
