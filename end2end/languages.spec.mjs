// The pages in the reader's language: asked for by the browser, chosen by the reader, kept; from right to left where it is written so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, launch, open } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { loadDemo, makeOwner } from "./product/world.mjs";

const DOMAIN = "shop.example";
const LANGUAGES = ["en", "de", "fr", "es", "ja", "ar"];

let product, browser, owner;

before(async () => {
  product = await startProduct();
  browser = await launch();
  await product.run("site", "add", DOMAIN);
  owner = await makeOwner(product, browser);
  await loadDemo(product, browser, owner, DOMAIN);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

/** A context of the owner, or of a stranger, with this language. */
async function reader(lang, { signedIn = true, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState: signedIn ? owner : undefined, ...options });
  if (lang) await context.addCookies([{ name: "lang", value: lang, url: product.base }]);
  return context;
}

const text = (page, selector) => page.locator(selector).first().textContent();
const attributes = (page) => page.locator("html").evaluate(({ lang, dir }) => [lang, dir]);
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

test("the browser's language is taken until the reader chooses one, with and without script", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const context = await reader(null, { signedIn: false, locale: "de-CH", javaScriptEnabled });
    const { page, faults } = await open(context);
    await page.goto(`${product.base}/login?callbackUrl=%2Fsites`);
    assert.deepEqual(await attributes(page), ["de", "ltr"]);
    assert.equal(await text(page, "h1"), "Anmelden");
    await page.locator(".bar details.menu > summary").click();
    await page.getByRole("link", { name: "Français" }).click();
    await page.waitForURL(/\/login\?callbackUrl=%2Fsites$/);
    assert.equal(await text(page, "h1"), "Connexion");
    await page.goto(product.base);
    assert.deepEqual(await attributes(page), ["fr", "ltr"], "the choice stays");
    assert.deepEqual(faults, []);
    await context.close();
  }
});

test("nobody is led elsewhere, and unknown languages are refused", async () => {
  const choose = (tag, referer) => fetch(`${product.base}/lang/${tag}`, { redirect: "manual", headers: referer ? { referer } : {} });
  assert.equal((await choose("tlh")).status, 404);
  for (const [referer, location] of [
    ["https://evil.example/sites?a=b", "/sites?a=b"],
    [`${product.base}//evil.example/`, "/"],
    ["nonsense", "/"],
    [undefined, "/"],
  ]) {
    const answer = await choose("de", referer);
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, location]);
    assert.match(answer.headers.get("set-cookie"), /^lang=de;/);
  }
});

test("the dashboard lives on in every language", async () => {
  for (const lang of LANGUAGES) {
    const context = await reader(lang);
    const { page, faults } = await open(context);
    await page.goto(`${product.base}/${DOMAIN}?period=30d`);
    const written = await text(page, ".kpi-name");
    // The chart is drawn by the script of the page, after it has taken over.
    await page.locator(".chart-host svg").first().waitFor();
    assert.equal(await text(page, ".kpi-name"), written);
    assert.equal((await attributes(page))[0], lang);
    assert.ok(!/[{}]/.test(await page.locator("main").innerText()), "all holes are filled");
    // What the browser writes and what it asks the server for are in the same language.
    await page.locator("a.kpi").nth(1).click();
    await page.waitForURL(/metric=pageviews/);
    const name = await page.locator("a.kpi .kpi-name").nth(1).textContent();
    await page.waitForFunction((name) => document.querySelector(".chart")?.getAttribute("aria-label").startsWith(name), name);
    assert.deepEqual(faults, [], lang);
    await context.close();
  }
});

test("figures are written as the language does", async () => {
  const context = await reader("de");
  const { page } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=30d`);
  await page.locator(".chart-host svg").first().waitFor();
  assert.match(await text(page, ".kpi-figure"), /^\d{1,3}(\.\d{3})+$/);
  assert.match(await page.locator(".kpi-figure").nth(3).textContent(), /^\d+,\d+$/);
  assert.match(await page.locator(".kpi-figure").nth(4).textContent(), /^\d+\u00a0%$/);
  await context.close();
});

test("Arabic is written from right to left, and time goes on to the right", async () => {
  const context = await reader("ar");
  const { page, faults } = await open(context);
  const checked = [`/${DOMAIN}?period=30d`, `/${DOMAIN}/settings/goals`];
  for (const path of [...checked, "/sites", `/${DOMAIN}/by/page`, `/${DOMAIN}/drops`, `/${DOMAIN}/journeys`]) {
    await page.goto(product.base + path);
    assert.deepEqual(await attributes(page), ["ar", "rtl"]);
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      assert.ok(await fits(page), `${path} at ${width}`);
    }
    if (checked.includes(path)) await accessible(page, path);
  }
  await page.goto(`${product.base}/${DOMAIN}?period=30d`);
  const sides = await page.evaluate(() => {
    const side = (selector) => document.querySelector(selector).getBoundingClientRect();
    const label = side(".rows-label");
    return { barAtStart: Math.abs(side(".row-bar").right - label.right) < 2, chart: getComputedStyle(document.querySelector(".chart-frame")).direction };
  });
  assert.deepEqual(sides, { barAtStart: true, chart: "ltr" });
  assert.deepEqual(faults, []);
  await context.close();
});

test("long words fit in every language", async () => {
  for (const lang of LANGUAGES) {
    const context = await reader(lang, { viewport: { width: 320, height: 700 } });
    const { page } = await open(context);
    await page.goto(`${product.base}/${DOMAIN}/by/page?period=30d`);
    assert.ok(await fits(page), lang);
    await context.close();
  }
});
