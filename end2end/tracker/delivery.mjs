// The way to the collector: retries that are harmless, another endpoint, and nothing in the way of the pageview.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { probe, stopClock, visit } from "./browser.mjs";

/** Lets the page's time pass until `count` pageviews have come, first tries and repetitions together. */
async function passUntil(site, page, count) {
  while (site.named("pageview").length < count) await page.clock.fastForward(1_000);
}

describe("delivery", () => {
  for (const refusal of [503, 429, "drop"]) {
    test(`after ${refusal} the same event, with the same id, is sent again`, async (t) => {
      const { site, page } = await visit(t);
      await stopClock(page);
      site.answers = [refusal, refusal];
      await page.goto(site.page("/retry"));
      await passUntil(site, page, 3);
      const [first, second, third] = site.named("pageview");
      assert.deepEqual(second, first);
      assert.deepEqual(third, first);
      assert.equal(await probe(page), 202);
      assert.equal(site.named("pageview").length, 3);
      assert.deepEqual(page.faults, []);
    });
  }

  test("a few times, then no more", async (t) => {
    const { site, page } = await visit(t);
    await stopClock(page);
    site.answers = Array(20).fill(503);
    await page.goto(site.page("/down"));
    await passUntil(site, page, 5);
    // The probe comes behind the fifth answer, and an hour behind both.
    assert.equal(await probe(page), 503);
    await page.clock.fastForward(3_600_000);
    assert.equal(await probe(page, "later"), 503);
    assert.equal(site.named("pageview").length, 5);
  });

  test("what is refused for good is not repeated", async (t) => {
    const { site, page } = await visit(t);
    await stopClock(page);
    site.answers = [400];
    await page.goto(site.page("/bad"));
    assert.equal(await probe(page), 202);
    await page.clock.fastForward(3_600_000);
    assert.equal(await probe(page, "later"), 202);
    assert.equal(site.named("pageview").length, 1);
  });

  test("data-api names another endpoint", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/proxied", { attributes: 'data-test data-api="/own/path"' }));
    await site.arrived("pageview");
    const [post] = site.posts;
    assert.equal(post.path, "/own/path");
    assert.match(post.headers.host, /^example\.org/);
  });

  test("the pageview does not wait for WASM", async (t) => {
    const { site, page } = await visit(t);
    await page.addInitScript(() => {
      WebAssembly.instantiate = () => new Promise(() => {});
    });
    await page.goto(site.page("/slow"));
    await site.arrived("pageview");
    assert.equal(await probe(page), 202);
  });

  test("a policy that forbids WASM leaves pageviews and custom events", async (t) => {
    const { site, page } = await visit(t);
    const complaints = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    const policy = "script-src 'self' http://stats.example.net:*; connect-src *";
    const options = { headers: { "content-security-policy": policy } };
    await page.goto(site.page("/strict", options));
    await site.arrived("pageview");
    await page.evaluate(() => history.pushState({}, "", "/strict/2"));
    assert.equal(await probe(page), 202);
    assert.equal(site.named("pageview").length, 2);
    await page.goto(site.page("/strict/3", options));
    await site.arrived("pageview", 3);
    assert.deepEqual(site.named("engagement"), []);
    assert.deepEqual(page.faults, []);
    const wasm = complaints.filter((text) => /WebAssembly|wasm/i.test(text));
    assert.ok(wasm.length <= 2, `one complaint a page load at most: ${wasm.join("\n")}`);
  });
});
