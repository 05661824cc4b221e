-- Tells who listens to any of the channels to look again.
--
-- ARGV  channels
for _, channel in ipairs(ARGV) do redis.call('PUBLISH', channel, '') end
return #ARGV
