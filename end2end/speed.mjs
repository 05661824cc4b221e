// What the dashboard weighs and how quick it is in Chromium, over many events of one domain. `scripts/bench.sh browser` runs it on the release binary.
//
//   node end2end/speed.mjs [EVENTS]     ten million by default; FOOTFALL_TEST_BINARY is the binary
//
// Browser, server and store share the machine. Nothing passes or fails here: figures are for reading, beside their goals.
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { launch, settled } from "./product/browser.mjs";
import { binary, startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const DOMAIN = "shop.example";
const EVENTS = Number(process.argv[2] ?? 10_000_000);
const ADDRESS = `/${DOMAIN}?period=30d`;
/** Loads of the page, each in a browser that has nothing of it yet. */
const LOADS = 5;
/** "Fast 4G" of Chromium's developer tools, and a processor four times slower than this one. */
const FOUR_G = { offline: false, latency: 165, downloadThroughput: 1_012_500, uploadThroughput: 168_750 };
const SLOWER = 4;
/** A day with a tick every three seconds, in portions: a stream ends after each, and the page opens another one. */
const TICKS = 28_800;
const PORTIONS = 12;

const figure = (name, value, goal = "") => console.log(`${name.padEnd(66)} ${value.padStart(16)}   ${goal && `goal ${goal}`}`);
const ms = (value) => `${value.toFixed(0)} ms`;
const kb = (bytes) => `${(bytes / 1_000).toFixed(1)} KB`;
const mb = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
const sorted = (values) => values.toSorted((one, other) => one - other);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];

const product = await startProduct();
const browser = await launch();
try {
  const [cpu] = cpus();
  console.log(`Machine: ${cpu.model}, ${availableParallelism()} cores, ${Math.floor(totalmem() / 2 ** 30)} GB, Linux ${release()}; Chromium ${browser.version()}`);
  console.log(`Binary: ${binary}; ${EVENTS.toLocaleString("en")} events of one domain in 30 days`);
  const owner = await makeOwner(product, browser);
  await product.run("site", "add", DOMAIN);
  await product.run("seed", "--domain", DOMAIN, "--days", "30", "--events", String(EVENTS), "--seed", "7");
  // The first one asks what all others are answered from memory.
  await visited(owner, async () => {});
  await loads(owner);
  await interactions(owner, 1);
  await interactions(owner, SLOWER);
  await filters(owner);
  await day(owner);
} finally {
  await browser.close();
  await product.stop();
}

/** The page in a browser of its own, as it stands. `prepare` comes before it is opened. */
async function visited(storageState, look, prepare = async () => {}) {
  const context = await browser.newContext({ storageState, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await prepare(page, cdp);
  await page.goto(product.base + ADDRESS, { timeout: 120_000 });
  await settled(page);
  const seen = await look(page, cdp);
  await context.close();
  return seen;
}

async function loads(owner) {
  const weights = new Map();
  const runs = [];
  for (let n = 0; n < LOADS; n++) {
    const prepare = async (page, cdp) => {
      await cdp.send("Network.enable");
      await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
      await cdp.send("Network.emulateNetworkConditions", FOUR_G);
      await cdp.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
      const addresses = new Map();
      cdp.on("Network.responseReceived", ({ requestId, response }) => addresses.set(requestId, new URL(response.url).pathname));
      cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        const file = addresses.get(requestId)?.match(/^\/pkg\/(.*)-[0-9a-f]+\.(js|wasm|css)$/);
        if (file) weights.set(`${file[1]}.${file[2]}`, encodedDataLength);
      });
      await page.addInitScript(() => {
        window.seen = { lcp: 0, shift: 0 };
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.seen.lcp = entry.startTime; })
          .observe({ type: "largest-contentful-paint", buffered: true });
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.seen.shift += entry.value; })
          .observe({ type: "layout-shift", buffered: true });
      });
    };
    // Visits come in while the page loads and after.
    const look = async (page) => {
      for (let more = 0; more < 5; more++) {
        await send(`/while-it-stands/${more}`);
        await page.waitForTimeout(600);
      }
      await page.waitForTimeout(2_000);
      return page.evaluate(() => ({ ...window.seen, ttfb: performance.getEntriesByType("navigation")[0].responseStart }));
    };
    runs.push(await visited(owner, look, prepare));
  }
  const before = [...weights].filter(([name]) => !name.startsWith("charts") && !name.endsWith(".css"));
  console.log("\nWeight, as it travels");
  for (const [name, bytes] of [...weights].toSorted()) figure(`  ${name}`, kb(bytes));
  figure("script before charts", kb(before.reduce((sum, [, bytes]) => sum + bytes, 0)), "<= 150 KB");
  figure("charts", kb(weights.get("charts.js") ?? 0), "<= 170 KB");
  const of = (what) => runs.map((run) => run[what]);
  console.log(`\nLoading, processor ${SLOWER} times slower, 4G (${FOUR_G.latency} ms, ${(FOUR_G.downloadThroughput * 8e-6).toFixed(1)} Mbit/s), ${LOADS} times`);
  figure("first byte, median", ms(median(of("ttfb"))));
  figure("largest contentful paint, median", ms(median(of("lcp"))), "<= 1,000 ms");
  figure("largest contentful paint, worst", ms(Math.max(...of("lcp"))));
  figure("layout shift, five visits arriving meanwhile, worst", Math.max(...of("shift")).toFixed(4), "<= 0.05");
}

/** What a reader does, by the browser's own event timing: from the input to the next paint. */
async function interactions(owner, rate) {
  const prepare = (page) => page.addInitScript(() => {
    window.events = new Map();
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (!entry.interactionId) continue;
        window.events.set(entry.interactionId, Math.max(entry.duration, window.events.get(entry.interactionId) ?? 0));
      }
    }).observe({ type: "event", durationThreshold: 16, buffered: true });
  });
  const seen = await visited(owner, async (page, cdp) => {
    await cdp.send("Emulation.setCPUThrottlingRate", { rate });
    const acts = {
      "period opens": () => page.getByTitle("Period").click(),
      "period closes": () => page.keyboard.press("Escape"),
      "filter opens": () => page.getByTitle("Add a filter").click(),
      "filter closes": () => page.keyboard.press("Escape"),
      "palette opens": () => page.keyboard.press("Control+k"),
      "palette, a letter": () => page.keyboard.press("u"),
      "palette closes": () => page.keyboard.press("Escape"),
      "theme": () => page.locator("[data-theme-button]").click(),
      "another figure": () => page.locator("a.kpi").nth(1).click(),
      "another tab": () => page.locator("#pages .tab").nth(1).click(),
      "another period": () => page.keyboard.press("w"),
      "a row's filter": () => page.locator("#places .row-filter").nth(1).click(),
    };
    const seen = [];
    for (const [act, perform] of Object.entries(acts)) {
      await perform();
      await page.waitForTimeout(600);
      const durations = await page.evaluate(() => {
        const durations = [...window.events.values()];
        window.events.clear();
        return durations;
      });
      seen.push({ act, duration: Math.max(0, ...durations) });
    }
    return seen;
  }, prepare);
  console.log(`\nInteractions, from input to the next paint${rate === 1 ? "" : `, processor ${rate} times slower`}; below 16 ms the browser says 0`);
  for (const { act, duration } of seen) figure(`  ${act}`, ms(duration));
  figure("worst", ms(Math.max(...seen.map(({ duration }) => duration))), "<= 100 ms");
}

/** From the click on a row until figures, chart and all panels are those of the filter, and painted. */
async function filters(owner) {
  const times = await visited(owner, async (page) => {
    const times = [];
    for (let row = 0; row < 8; row++) {
      await page.locator("#places .row-filter").nth(row).waitFor();
      times.push(await page.evaluate((row) => new Promise((resolve) => {
        const begin = performance.now();
        document.querySelectorAll("#places .row-filter")[row].click();
        let begun = false;
        const look = () => {
          const busy = document.querySelector(".busy") !== null;
          begun ||= busy;
          if (!begun || busy) requestAnimationFrame(look);
          // The frame after the one that draws the change has painted it.
          else requestAnimationFrame(() => resolve(performance.now() - begin));
        };
        requestAnimationFrame(look);
      }), row));
      await page.goBack();
      await page.waitForFunction(() => !location.search.includes("f=") && document.querySelectorAll("#places .row-filter").length > 1);
      await settled(page);
    }
    return times;
  });
  console.log("\nA filter, from the click until all panels are painted, eight rows, none asked before");
  figure("median", ms(median(times)), "<= 300 ms");
  figure("worst", ms(Math.max(...times)));
}

/** A day of live updates: what the page holds on to after. */
async function day(owner) {
  const context = await browser.newContext({ storageState: owner, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  let portion = 0;
  let now = Date.now();
  let total = 0;
  const tick = (name) => {
    now += 3_000;
    total += 1;
    const minutes = Array.from({ length: 30 }, (_, minute) => ((total + minute * 7) % 13) + 1);
    const newest = Array.from({ length: 8 }, (_, at) => ({ id: `${total}-${at}`, ts: now - at * 1_000, name: "pageview", path: `/page/${(total + at) % 97}`, country: "DE", source: "Google" }));
    const pageviews = minutes.reduce((sum, views) => sum + views, 0);
    return { name, view: { currentVisitors: total % 29, visitors: 30 + (total % 17), pageviews, minutes, newest } };
  };
  const { id } = JSON.parse(await product.run("site", "list", "--json")).find(({ domain }) => domain === DOMAIN);
  await send("/a-first-one");
  const template = await snapshot(context, id);
  await page.route(/\/api\/analytics\/live/, async (route) => {
    portion += 1;
    const lines = Array.from({ length: portion > PORTIONS ? 1 : TICKS / PORTIONS }, (_, at) => {
      const { name, view } = tick(at === 0 ? "snapshot" : "tick");
      return `event: ${name}\ndata: ${JSON.stringify({ ...template, ...view, newest: view.newest.map((event) => ({ ...template.newest[0], ...event })) })}\n\n`;
    });
    await route.fulfill({ contentType: "text/event-stream", body: `retry: 300\n\n${lines.join("")}` });
  });
  await page.addInitScript(() => {
    for (const way of ["instantiate", "instantiateStreaming"]) {
      const begin = WebAssembly[way];
      WebAssembly[way] = async (...args) => {
        const made = await begin.apply(WebAssembly, args);
        window.wasm = made.instance ?? made;
        return made;
      };
    }
  });
  await page.goto(product.base + ADDRESS);
  const held = [];
  await cdp.send("HeapProfiler.enable");
  for (let wanted = 1; wanted <= PORTIONS; wanted++) {
    while (portion <= wanted) await page.waitForTimeout(100);
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
    const wasm = await page.evaluate(() => window.wasm.exports.memory.buffer.byteLength);
    held.push({ heap: usedSize, wasm, nodes, jsEventListeners });
  }
  await context.close();
  const [warm, end] = [held[1], held.at(-1)];
  const between = (what, write) => `${write(warm[what])} → ${write(end[what])}`;
  console.log(`\nA day of live updates: ${TICKS.toLocaleString("en")} ticks, ${total.toLocaleString("en")} sent; after garbage is collected, from the second portion of ${PORTIONS} to the last`);
  figure("script's heap", between("heap", mb), "flat");
  figure("memory of WASM, which never shrinks", between("wasm", mb), "flat");
  figure("nodes of the document", between("nodes", String), "flat");
  figure("listeners", between("jsEventListeners", String), "flat");
}

/** What the live stream says first. */
async function snapshot(context, id) {
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const answer = await fetch(`${product.base}/api/analytics/live?domainId=${id}`, { headers: { cookie } });
  const reader = answer.body.getReader();
  let text = "";
  while (!/data: .*\n\n/.test(text)) text += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  return JSON.parse(text.match(/data: (.*)\n/)[1]);
}

async function send(path) {
  const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
  const answer = await fetch(`${product.base}/api/events`, {
    method: "POST",
    headers: { "content-type": "text/plain", "user-agent": agent },
    body: JSON.stringify({ domain: DOMAIN, path }),
  });
  if (answer.status !== 202) throw new Error(`an event was answered with ${answer.status}`);
}
