// Engaged time and scroll depth. Time on the page is Playwright's clock, so the figures are exact.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Tabs, coreReady, probe, stopClock, visit, watchCore } from "./browser.mjs";

const TALL = '<div style="height: 7200px; margin: 0">tall</div><style>body { margin: 0 }</style>';

/** Opens a page of ten windows' height on a stopped clock, with the core running. */
async function read(t, attributes) {
  const { site, page } = await visit(t);
  await stopClock(page);
  await page.goto(site.page("/article", { attributes, body: TALL }));
  await coreReady(page);
  await page.clock.pauseAt(1_000_000);
  // What passed before the clock stood still is reported here, and out of the way.
  await page.evaluate(() => history.pushState({}, "", "/article/1"));
  const [, pageview] = await site.arrived("pageview", 2);
  site.posts.length = 0;
  return { site, page, pageview };
}

async function scrollTo(page, top) {
  await page.evaluate(
    (y) =>
      new Promise((resolve) => {
        addEventListener("scroll", () => resolve(), { once: true });
        window.scrollTo(0, y);
      }),
    top,
  );
}

describe("engagement", () => {
  test("leaving sends the time and depth of the page, under its page id", async (t) => {
    const { site, page, pageview } = await read(t);
    await page.clock.runFor(5_000);
    await scrollTo(page, 720);
    await page.clock.runFor(2_000);
    await page.goto(site.page("/next"));
    const [event] = await site.arrived("engagement");
    assert.equal(event.engagementMs, 7_000);
    assert.equal(event.scrollDepth, 20);
    assert.equal(event.pageId, pageview.pageId);
    assert.equal(event.url, pageview.url);
    assert.equal(event.domain, "example.org");
    assert.notEqual(event.id, pageview.id);
    const headers = site.posts.find((post) => post.event === event).headers;
    assert.match(headers["content-type"], /^text\/plain/);
    assert.equal(site.preflights, 0);
  });

  test("depth is the greatest so far", async (t) => {
    const { site, page } = await read(t);
    await scrollTo(page, 5_760);
    await scrollTo(page, 0);
    await page.goto(site.page("/next"));
    const [event] = await site.arrived("engagement");
    assert.equal(event.scrollDepth, 90);
  });

  test("a navigation inside a single-page app closes the page before", async (t) => {
    const { site, page, pageview } = await read(t);
    await page.clock.runFor(3_000);
    await page.evaluate(() => history.pushState({}, "", "/article/2"));
    const [first] = await site.arrived("engagement");
    const [next] = await site.arrived("pageview");
    assert.equal(first.pageId, pageview.pageId);
    assert.equal(first.url, pageview.url);
    assert.equal(first.engagementMs, 3_000);

    await page.clock.runFor(4_000);
    await page.evaluate(() => history.pushState({}, "", "/article/3"));
    const [, second] = await site.arrived("engagement", 2);
    assert.equal(second.pageId, next.pageId);
    assert.equal(second.engagementMs, 4_000);
  });

  test("parts add up, and nothing is said twice", async (t) => {
    const { site, page, pageview } = await read(t);
    await page.clock.runFor(3_000);
    const leave = () => dispatchEvent(new PageTransitionEvent("pagehide"));
    await page.evaluate(leave);
    await page.evaluate(leave);
    await page.clock.runFor(400);
    await page.evaluate(leave);
    await page.clock.runFor(1_600);
    await page.evaluate(leave);
    await probe(page);
    const parts = await site.arrived("engagement", 2);
    assert.deepEqual(
      parts.map((event) => [event.pageId, event.engagementMs]),
      [
        [pageview.pageId, 3_000],
        [pageview.pageId, 2_000],
      ],
    );
    assert.notEqual(parts[0].id, parts[1].id);
  });

  test("time without the focus does not count", async (t) => {
    const { site, page } = await read(t);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Emulation.setFocusEmulationEnabled", { enabled: false });
    await page.bringToFront();
    await page.waitForFunction(() => document.hasFocus(), undefined, { polling: "raf" });
    await page.clock.runFor(5_000);
    const other = await page.context().newPage();
    await other.bringToFront();
    await page.waitForFunction(() => !document.hasFocus(), undefined, { polling: "raf" });
    await page.clock.runFor(30_000);
    await page.bringToFront();
    await page.waitForFunction(() => document.hasFocus(), undefined, { polling: "raf" });
    await page.clock.runFor(2_000);
    await page.evaluate(() => history.pushState({}, "", "/article/2"));
    const [event] = await site.arrived("engagement");
    assert.equal(event.engagementMs, 7_000);
  });

  test("hiding the tab sends what there is", async (t) => {
    const { site } = await visit(t);
    const tabs = await Tabs.start(t);
    const tell = `<script>
      (${watchCore})();
      const told = setInterval(() => window.coreReady && (clearInterval(told), fetch("/core", { method: "POST" })), 20);
    </script>`;
    site.page("/other", { head: "" });
    await tabs.open(site.page("/article", { head: tell + site.snippet() }));
    await site.called("/core");
    await tabs.open(site.url("/other"));
    const [event] = await site.arrived("engagement");
    assert.equal(event.pageId, site.named("pageview")[0].pageId);
    assert.equal(event.scrollDepth, 100);
  });

  test("a long read reports itself before the visit ends", async (t) => {
    const { site, page } = await read(t);
    await page.clock.runFor(25 * 60_000);
    const reports = await site.arrived("engagement", 2);
    assert.equal(reports.length, 2);
    for (const event of reports) {
      assert.ok(event.engagementMs >= 600_000 && event.engagementMs < 1_800_000, `${event.engagementMs}`);
    }
  });

  test("before the first pageview of a manual page nothing is accounted", async (t) => {
    const { site, page } = await visit(t);
    await stopClock(page);
    await page.goto(site.page("/shop", { attributes: "data-test data-manual" }));
    await page.clock.pauseAt(1_000_000);
    await page.goto(site.page("/next"));
    await site.arrived("pageview");
    assert.deepEqual(site.named("engagement"), []);
  });
});
