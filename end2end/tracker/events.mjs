// window.footfall(name, details).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { probe, visit } from "./browser.mjs";

describe("custom events", () => {
  test("carry properties, revenue and whether they are interactive", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/shop"));
    const details = {
      props: { plan: "team", seats: "5" },
      revenue: { amount: "129.00", currency: "EUR" },
      interactive: false,
    };
    assert.equal(await probe(page, "purchase", details), 202);
    const [event] = site.named("purchase");
    const [pageview] = site.named("pageview");
    assert.deepEqual(event.props, details.props);
    assert.deepEqual(event.revenue, details.revenue);
    assert.equal(event.interactive, false);
    assert.equal(event.url, site.url("/shop"));
    assert.equal(event.pageId, pageview.pageId);
    assert.notEqual(event.id, pageview.id);
    assert.equal("callback" in event, false);
  });

  test("called before the tracker has loaded follow the pageview", async (t) => {
    const { site, page } = await visit(t);
    const stub = `<script>
      window.footfall = window.footfall || function () { (footfall.q = footfall.q || []).push(arguments) };
      footfall("early", { props: { at: "start" } });
      footfall("bare");
    </script>`;
    await page.goto(site.page("/stub", { head: stub + site.snippet() }));
    await site.arrived("bare");
    assert.deepEqual(
      site.posts.map((post) => post.event.name),
      ["pageview", "early", "bare"],
    );
    assert.deepEqual(site.named("early")[0].props, { at: "start" });
  });

  test("an unusable argument is swallowed, and the next event goes out", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/odd"));
    await page.evaluate(() => {
      const round = {};
      round.round = round;
      footfall("round", { props: round });
      footfall("big", { props: { n: 1n } });
      footfall("null", null);
      footfall();
      footfall("throws", { callback: () => { throw new Error("the host's own") } });
    });
    assert.equal(await probe(page), 202);
    assert.deepEqual(site.named("round"), []);
    assert.equal(site.named("null").length, 1);
    assert.deepEqual(page.faults, []);
  });

  test("the opt-in session id lives in sessionStorage and joins the pages of a tab", async (t) => {
    const { site, page } = await visit(t);
    const attributes = 'data-test data-session="storage"';
    await page.goto(site.page("/one", { attributes }));
    await site.arrived("pageview");
    await page.goto(site.page("/two", { attributes }));
    const [one, two] = await site.arrived("pageview", 2);
    assert.match(one.sessionId, /^[0-9a-f-]{36}$/);
    assert.equal(two.sessionId, one.sessionId);
    const kept = () => [{ ...sessionStorage }, localStorage.length, document.cookie];
    assert.deepEqual(await page.evaluate(kept), [{ footfall_session: one.sessionId }, 0, ""]);
  });

  test("another value of data-session keeps nothing", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/one", { attributes: 'data-test data-session="cookie"' }));
    const [event] = await site.arrived("pageview");
    assert.equal("sessionId" in event, false);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
});
