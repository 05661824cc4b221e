-- Notes that a shard has something of a domain, and forgets the shards that had something long ago.
--
-- KEYS  shards of the domain      ARGV  shard, now, oldest
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('EXPIRE', KEYS[1], 42 * 86400)
return 1
