-- Reads counts of one shard.
--
-- KEYS  fence, then tables      ARGV  epoch, a field or "" for all fields
-- Answers {} without a fence, {epoch} where another one counts, else {epoch, {one answer per table}}.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
if epoch ~= ARGV[1] then return {epoch} end
local answers = {}
for i = 2, #KEYS do
  if ARGV[2] == '' then
    answers[i - 1] = redis.call('HGETALL', KEYS[i])
  else
    answers[i - 1] = redis.call('HGET', KEYS[i], ARGV[2])
  end
end
return {epoch, answers}
