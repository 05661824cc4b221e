// What counts as a pageview, and what it carries.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Tabs, probe, visit } from "./browser.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const urls = (site) => site.named("pageview").map((event) => new URL(event.url).pathname);

describe("pageviews", () => {
  test("a static page sends one, with what the protocol has and nothing kept in the browser", async (t) => {
    const { site, page } = await visit(t);
    site.page("/pricing");
    await page.goto(site.url("/pricing?utm_source=letter#plans"), { referer: "http://search.example.com/" });
    const [event] = await site.arrived("pageview");
    assert.equal(await probe(page), 202);

    assert.equal(site.named("pageview").length, 1);
    assert.match(event.id, UUID);
    assert.match(event.pageId, UUID);
    const { id, pageId, ...rest } = event;
    assert.deepEqual(rest, {
      domain: "example.org",
      name: "pageview",
      url: site.url("/pricing?utm_source=letter"),
      referrer: "http://search.example.com/",
      viewport: { width: 1280, height: 720 },
      screen: { width: 1280, height: 720 },
      title: "Page /pricing",
      language: "en-US",
    });

    const [{ headers, path }] = site.posts;
    assert.equal(path, "/api/events");
    assert.match(headers["content-type"], /^text\/plain/);
    assert.equal(headers.cookie, undefined);
    assert.equal(site.preflights, 0);
    assert.deepEqual(await page.context().cookies(), []);
    const kept = () => [document.cookie, localStorage.length, sessionStorage.length];
    assert.deepEqual(await page.evaluate(kept), ["", 0, 0]);
    assert.deepEqual(page.faults, []);
  });

  test("a single-page app counts each new path once, whichever way it came", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/app"));
    await site.arrived("pageview");
    await page.evaluate(() => history.pushState({}, "", "/app/list"));
    await page.evaluate(() => history.pushState({}, "", "/app/list?page=2"));
    await page.evaluate(() => history.replaceState({}, "", "/app/list?page=3#end"));
    await page.evaluate(() => history.replaceState({}, "", "/app/item"));
    await site.arrived("pageview", 3);
    await page.evaluate(() => history.back());
    await site.arrived("pageview", 4);
    await probe(page);
    assert.deepEqual(urls(site), ["/app", "/app/list", "/app/item", "/app/list"]);
  });

  test("each page of a single-page app has its own page id and comes from the one before", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/app"));
    await page.evaluate(() => history.pushState({}, "", "/app/list"));
    const [first, second] = await site.arrived("pageview", 2);
    assert.notEqual(first.pageId, second.pageId);
    assert.equal(first.referrer, "");
    assert.equal(second.referrer, first.url);
  });

  test("the host's own history calls keep their results and their errors", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/app"));
    const outcome = await page.evaluate(() => {
      const returned = history.pushState({ kept: 1 }, "", "/app/a");
      try {
        history.pushState({}, "", "http://elsewhere.example.com/");
      } catch (error) {
        return [returned, history.state, error.name];
      }
    });
    assert.deepEqual(outcome, [undefined, { kept: 1 }, "SecurityError"]);
    assert.deepEqual(page.faults, []);
  });

  test("the fragment is a page only in hash mode", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/plain"));
    await page.evaluate(() => (location.hash = "#/ignored"));
    await probe(page);
    assert.equal(site.named("pageview").length, 1);

    site.page("/hash", { attributes: "data-test data-hash" });
    await page.goto(site.url("/hash#/start"));
    await site.arrived("pageview", 2);
    await page.evaluate(() => (location.hash = "#/next"));
    await site.arrived("pageview", 3);
    await page.evaluate(() => history.pushState({}, "", "#/last"));
    await site.arrived("pageview", 4);
    const hashes = site.named("pageview").map((event) => new URL(event.url).hash);
    assert.deepEqual(hashes, ["", "#/start", "#/next", "#/last"]);
  });

  test("a page restored from the back/forward cache is a new pageview", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/first"));
    await page.evaluate(() => (window.kept = true));
    await site.arrived("pageview");
    await page.goto(site.page("/second"));
    await site.arrived("pageview", 2);
    await page.goBack({ waitUntil: "commit" });
    const [first, , restored] = await site.arrived("pageview", 3);
    assert.equal(await page.evaluate(() => window.kept), true, "not restored but loaded anew");
    await probe(page);
    assert.deepEqual(urls(site), ["/first", "/second", "/first"]);
    assert.notEqual(first.pageId, restored.pageId);
  });

  test("a hidden tab counts when it is shown", async (t) => {
    const { site } = await visit(t);
    const tabs = await Tabs.start(t);
    const tell = `fetch("/loaded-" + document.hidden, { method: "POST" })`;
    const leave = `document.onvisibilitychange = () => { if (document.hidden) location.href = "/late" }`;
    site.page("/late", { body: `<script>onload = () => { footfall("early"); ${tell} }</script>` });
    site.page("/other", { head: "" });
    const tab = await tabs.open(site.page("/early", { body: `<script>${leave}; onload = () => ${tell}</script>` }));
    await site.called("/loaded-false");
    await site.arrived("pageview");
    await tabs.open(site.url("/other"));
    await site.called("/loaded-true");
    assert.deepEqual(urls(site), ["/early"]);
    assert.deepEqual(site.named("early"), []);

    await tabs.bringToFront(tab);
    await site.arrived("early");
    assert.deepEqual(urls(site), ["/early", "/late"]);
    const [, shown] = site.named("pageview");
    assert.equal(site.named("early")[0].pageId, shown.pageId);
  });

  test("a prerendered page counts when it is opened, and only then", async (t) => {
    const { site } = await visit(t);
    const tabs = await Tabs.start(t);
    const rules = `<script type="speculationrules">{"prerender":[{"urls":["/next"],"eagerness":"immediate"}]}</script>`;
    const follow = `<script>
      setInterval(async () => (await fetch("/go")).status === 200 && (location.href = "/next"), 50);
    </script>`;
    const tell = `<script>onload = () => fetch("/next-" + document.prerendering, { method: "POST" })</script>`;
    site.page("/next", { body: tell });
    await tabs.open(site.page("/start", { body: rules + follow }));
    await site.called("/next-true");
    await site.arrived("pageview");
    assert.deepEqual(urls(site), ["/start"]);
    site.page("/go");
    await site.arrived("pageview", 2);
    assert.deepEqual(urls(site), ["/start", "/next"]);
    assert.equal(site.posts.filter((post) => post.path.startsWith("/next-")).length, 1, "loaded a second time");
  });

  test("with data-manual the page says itself when it is one", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/shop", { attributes: "data-test data-manual" }));
    await page.evaluate(() => history.pushState({}, "", "/shop/2"));
    assert.equal(await probe(page), 202);
    assert.deepEqual(urls(site), []);
    await page.evaluate(() => footfall("pageview", { url: "http://example.org/products" }));
    const [event] = await site.arrived("pageview");
    assert.equal(event.url, "http://example.org/products");
  });

  test("a second copy of the snippet counts nothing twice", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/twice", { head: site.snippet() + site.snippet() }));
    await page.evaluate(() => history.pushState({}, "", "/twice/2"));
    await probe(page);
    assert.deepEqual(urls(site), ["/twice", "/twice/2"]);
  });
});
