// Pages on which something is missing, frozen or throws: the tracker does what it can and the host never hears of it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { probe, visit } from "./browser.mjs";

/** What the host does to itself before the tracker comes, and whether pageviews still arrive. */
const oddities = {
  "a frozen history": () => Object.freeze(history),
  "history methods that cannot be set": () => {
    for (const name of ["pushState", "replaceState"]) {
      const own = history[name];
      Object.defineProperty(history, name, { get: () => own, set: () => { throw new Error("no") } });
    }
  },
  "no history": () => Object.defineProperty(window, "history", { value: undefined }),
  "no WebAssembly": () => { delete window.WebAssembly; },
  "a frozen Object.prototype": () => { Object.freeze(Object.prototype); Object.freeze(Array.prototype); },
  "arrays that serialise themselves": () => { Array.prototype.toJSON = () => "oops"; },
  "storage that throws": () => {
    for (const name of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, name, { get: () => { throw new DOMException("no", "SecurityError") } });
    }
  },
};

describe("strange pages", () => {
  for (const [name, oddity] of Object.entries(oddities)) {
    test(name, async (t) => {
      const { site, page } = await visit(t);
      await page.addInitScript(oddity);
      await page.goto(site.page("/odd", { attributes: 'data-test data-session="storage"' }));
      const [event] = await site.arrived("pageview");
      assert.equal(event.url, site.url("/odd"));
      assert.equal(await probe(page), 202);
      assert.deepEqual(page.faults, []);
    });
  }

  test("an element that is called footfall", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/named", { body: '<div id="footfall"></div>' }));
    await site.arrived("pageview");
    assert.equal(await probe(page), 202);
    assert.deepEqual(page.faults, []);
  });

  test("a sandboxed frame without an origin", async (t) => {
    const { site, page } = await visit(t);
    site.page("/framed", { attributes: 'data-test data-session="storage"' });
    await page.goto(site.page("/host", { head: "", body: '<iframe sandbox="allow-scripts" src="/framed"></iframe>' }));
    const [event] = await site.arrived("pageview");
    assert.equal(event.url, site.url("/framed"));
    assert.equal("sessionId" in event, false);
    assert.deepEqual(page.faults, []);
  });

  test("no fetch, so nothing is sent and nothing breaks", async (t) => {
    const { site, page } = await visit(t);
    await page.addInitScript(() => { delete window.fetch; });
    await page.goto(site.page("/old"));
    await page.evaluate(() => footfall("click"));
    await page.evaluate(() => history.pushState({}, "", "/old/2"));
    assert.equal(new URL(page.url()).pathname, "/old/2");
    assert.deepEqual(site.posts, []);
    assert.deepEqual(page.faults, []);
  });
});
