// Who is not counted. `probe` tells "ignored" from sent, so nothing has to be waited for.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { probe, visit } from "./browser.mjs";

describe("exclusions", () => {
  for (const host of ["localhost", "127.0.0.1"]) {
    test(`${host} is ignored unless data-local is set`, async (t) => {
      const { site, page } = await visit(t);
      site.page("/off");
      await page.goto(site.url("/off", host));
      assert.equal(await probe(page), "ignored");
      assert.deepEqual(site.posts, []);

      site.page("/on", { attributes: "data-test data-local" });
      await page.goto(site.url("/on", host));
      assert.equal(await probe(page), 202);
      assert.equal(site.named("pageview").length, 1);
    });
  }

  test("a public name that only looks local is counted", async (t) => {
    const { site, page } = await visit(t);
    site.page("/");
    await page.goto(site.url("/", "localhost.example.org"));
    assert.equal(await probe(page), 202);
  });

  test("an automated browser is ignored unless data-test is set", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/off", { attributes: "" }));
    assert.equal(await page.evaluate(() => navigator.webdriver), true);
    assert.equal(await probe(page), "ignored");
    assert.deepEqual(site.posts, []);
  });

  test("localStorage.footfall_ignore takes effect at once, and while it says true", async (t) => {
    const { site, page } = await visit(t);
    await page.goto(site.page("/"));
    assert.equal(await probe(page, "before"), 202);
    await page.evaluate(() => (localStorage.footfall_ignore = "true"));
    assert.equal(await probe(page, "during"), "ignored");
    await page.evaluate(() => (localStorage.footfall_ignore = "false"));
    assert.equal(await probe(page, "after"), 202);
    const sent = site.posts.map((post) => post.event.name);
    assert.deepEqual(sent, ["pageview", "before", "after"]);
  });
});
