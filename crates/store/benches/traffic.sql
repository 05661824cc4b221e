-- {events} rows of one domain over {days} days that end at {end}: five rows a visit, half of them engagement, 2,000 pages by a steep
-- distribution, 40 sources, each tenth id given by the sender. {columns} in the order of the table.
INSERT INTO events (site_id, ts, name, visitor_id, since_start, visit_pageviews, visit_interactive, hostname, path, title, referrer, source,
    utm_campaign, browser, browser_version, os, os_version, device, country, language, interactive, engagement_ms, scroll_depth, bot,
    event_id, id_given, append_delay_s, log, generation, partition, offset)
WITH {end} - {days} * 86400000 AS t0, {days} * 86400000 AS span
SELECT toUUID('11111111-1111-4111-8111-111111111111'), fromUnixTimestamp64Milli(toInt64(at), 'UTC'), if(e % 2 = 0, 'pageview', 'engagement'), visitor,
    toInt32(at - start), toUInt32(intDiv(e, 2) + 1), 0, 'example.org', pages[intDiv(e, 2) + 1] AS page, concat('Title of ', page),
    multiIf(src = 1, 'google.com/', src = 2, 'news.ycombinator.com/item', src = 3, '', concat('site-', toString(src), '.example/some/path-', toString(h % 50))),
    multiIf(src = 1, 'Google', src = 2, 'Hacker News', src = 3, '', concat('site-', toString(src), '.example')),
    if(src = 7, 'spring', ''),
    ['Chrome', 'Safari', 'Firefox', 'Edge', 'Opera', 'Samsung Internet'][1 + toUInt32(floor(pow(u1, 2) * 6))],
    toString(120 + toUInt32(floor(pow(u2, 3) * 12))),
    ['Windows', 'iOS', 'Android', 'macOS', 'GNU/Linux'][1 + toUInt32(floor(pow(u3, 1.5) * 5))],
    toString(toUInt32(10 + floor(u2 * 6))),
    ['Desktop', 'Mobile', 'Tablet'][1 + toUInt32(floor(pow(u3, 1.7) * 3))],
    substring('USDEGBFRINCABRJPESITNLSEPLAUMXTRIDKRZAARNGEGCHATBEDKNOFIPTGRCZRO', 1 + 2 * toUInt32(floor(pow(u4, 2.5) * 32)), 2),
    ['en-US', 'de-DE', 'en-GB', 'fr-FR', 'es-ES', 'pt-BR', 'ja-JP'][1 + toUInt32(floor(pow(u4, 2) * 7))],
    1, toUInt32(if(e % 2 = 1, cityHash64(number, e, 'g') % 40000, 0)), toUInt8(if(e % 2 = 1, cityHash64(number, e, 's') % 101, 255)),
    if(h % 50 = 0, 'crawler', ''),
    if(cityHash64(number, e, 'given') % 10 = 0, cityHash64(number, e, 'id'), 0), toUInt8(cityHash64(number, e, 'given') % 10 = 0),
    toInt32(cityHash64(number, e, 'd') % 20 = 0), 0, 1, 0, {first} + toUInt64(({events} / span) * (at - t0))
FROM (
    SELECT *, arrayJoin(range(views * 2)) AS e,
        start + if(e = 0, 0, intDiv(e, 2) * 45000 + cityHash64(number, intDiv(e, 2)) % 20000 * (e > 1) + (e % 2) * (1000 + cityHash64(number, e) % 22000)) AS at
    FROM (
        SELECT number, t0 + toInt64(number * (span / {visits})) AS start,
            cityHash64(intDiv(start, 86400000), cityHash64(number, 'v') % {people}) AS visitor, cityHash64(number, 'h') AS h,
            1 + toUInt32(floor(-log((cityHash64(number, 'u') % 1000000 + 1) / 1000001.) * 1.98)) AS views,
            1 + toUInt32(floor(pow((cityHash64(number, 'src') % 100000) / 100000., 2) * 40)) AS src,
            (cityHash64(visitor, 1) % 100000) / 100000. AS u1, (cityHash64(visitor, 2) % 100000) / 100000. AS u2,
            (cityHash64(visitor, 3) % 100000) / 100000. AS u3, (cityHash64(visitor, 4) % 100000) / 100000. AS u4,
            arrayMap(x -> concat('/blog/post-', toString(toUInt32(floor(pow(2000, (cityHash64(number, x, 'path') % 100000) / 100000.))))), range(views)) AS pages
        FROM numbers({visits})
    )
)
SETTINGS async_insert = 0, max_execution_time = 600, max_memory_usage = 4000000000
