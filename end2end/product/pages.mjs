// Every page there is, in one place: what walks through all of them, to look, to read without script, to print, goes by this list.
// A page more is a line more.

/** With demo data and settings, without any event, and with labels that are longer than any place for them. */
export const FULL = "demo.example";
export const EMPTY = "empty.example";
export const LONG = "a-name-that-is-much-longer-than-the-place-for-it.in-any-bar.example";

const STEPS = "step=is,page,/&step=is,page,/pricing&step=is,name,Signup";
const section = (name) => ({ name: `settings-${name}`, path: `/${FULL}/settings/${name}` });

/**
 * Name, address, and who looks: the first person who opens the set-up link (`new`), a `stranger`, or else the owner. `main` pages are looked at
 * in more widths; `status` is what they are answered with, if not 200. `live` ones change by themselves.
 */
export const PAGES = [
  { name: "setup", who: "new" },
  { name: "landing", who: "stranger", path: "/", main: true },
  { name: "login", who: "stranger", path: "/login", main: true },
  { name: "dashboard", path: `/${FULL}?period=30d`, main: true },
  { name: "dashboard-today", path: `/${FULL}?period=day&metric=pageviews` },
  { name: "dashboard-half-hour", path: `/${FULL}?period=30m` },
  { name: "dashboard-filtered", path: `/${FULL}?period=7d&f=is,country,DE&f=is_not,source,Google&goals=goal`, main: true },
  { name: "dashboard-map", path: `/${FULL}?period=30d&places=map&compare=weekdays` },
  { name: "dashboard-any", path: `/${FULL}?period=30d&f=any,is,country,DE,,is,source,Google` },
  { name: "dashboard-public", who: "stranger", path: `/${FULL}?period=30d` },
  { name: "dashboard-empty", path: `/${EMPTY}` },
  { name: "dashboard-nothing", path: `/${FULL}?period=30d&f=is,page,/no/such/page` },
  { name: "dashboard-failed", path: `/${FULL}?period=30d&f=matches,page,(` },
  { name: "dashboard-long", path: `/${LONG}?period=30m` },
  { name: "realtime", path: `/${FULL}/realtime`, main: true },
  { name: "realtime-empty", path: `/${EMPTY}/realtime` },
  { name: "by-page", path: `/${FULL}/by/page?period=30d`, main: true },
  { name: "by-country", path: `/${FULL}/by/country?period=30d&f=is,browser,Chrome&sort=-bounce_rate` },
  { name: "by-nothing", path: `/${FULL}/by/source?period=30d&search=no%20such%20source` },
  { name: "funnel", path: `/${FULL}/funnel?period=30d&${STEPS}`, main: true },
  { name: "funnel-new", path: `/${FULL}/funnel?period=30d` },
  { name: "journeys", path: `/${FULL}/journeys?period=30d` },
  { name: "retention", path: `/${FULL}/retention?period=30d` },
  { name: "why", path: `/${FULL}/why?period=7d&metric=visitors` },
  { name: "explain", path: `/${FULL}/explain/bounce_rate?period=30d` },
  { name: "explain-table", path: `/${FULL}/explain/visitors?period=30d&by=page` },
  { name: "drops", path: `/${FULL}/drops?period=7d` },
  { name: "sites", path: "/sites", main: true },
  { name: "together", path: `/sites/together?d=${FULL}&d=${LONG}&d=${EMPTY}&period=30d` },
  ...["general", "snippet", "goals", "properties", "routes", "channels", "shields", "annotations", "segments", "sharing", "danger"].map(section),
  { name: "setup-domain", path: "/setup" },
  { name: "not-found", path: `/${FULL}/no/such/page`, status: 404 },
  { name: "not-mine", path: "/unknown.example", status: 404 },
];
