// What happens right now, as it happens: events arrive on an open page, in two tabs, and not in one that nobody looks at; the map colours
// the country that sent them and leads to it; without script the page reads; nothing yet, and somebody else's.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksRight, open, without } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const DOMAIN = "shop.example";
const EMPTY = "empty.example";
/** Addresses of networks that have been in these countries for decades. */
const GERMANY = "217.160.0.1";
const AMERICA = "8.8.8.8";

let product, browser, context;

before(async () => {
  product = await startProduct();
  browser = await launch();
  context = await browser.newContext({ storageState: await makeOwner(product, browser), viewport: { width: 1440, height: 900 } });
  for (const domain of [DOMAIN, EMPTY]) await product.run("site", "add", domain);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

/** A visitor at this address does something. */
async function send(ip, path, more = {}) {
  const answer = await fetch(`${product.base}/api/events`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": PERSON, "x-forwarded-for": ip },
    body: JSON.stringify({ domain: DOMAIN, path, ...more }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

const feed = (page) => page.locator(".now-feed li");
const streams = (page) => {
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/analytics/live") && asked.push(request.url()));
  return asked;
};

test("before the first event the page says what to do, and turns when it comes", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${EMPTY}/realtime`);
  await page.getByText(`data-domain="${EMPTY}"`).waitFor();
  await looksRight(page, "realtime, no event yet");
  await page.goto(`${product.base}/${DOMAIN}/realtime`);
  await page.getByText("Waiting for the first event").waitFor();
  await send(GERMANY, "/first");
  await feed(page).getByText("/first").waitFor({ timeout: 5_000 });
  assert.deepEqual(faults, []);
  await page.close();
});

test("an event is on every open page within a second, with nothing loaded anew", async () => {
  const tabs = await Promise.all([open(context), open(context)]);
  const pages = tabs.map(({ page }) => page);
  for (const page of pages) {
    const loaded = [];
    page.on("request", (request) => loaded.push(request.url()));
    await page.goto(`${product.base}/${DOMAIN}/realtime`);
    await page.evaluate(() => {
      window.moved = 0;
      const { animate } = Element.prototype;
      Element.prototype.animate = function (...how) {
        window.moved++;
        return animate.apply(this, how);
      };
    });
    assert.ok(!loaded.some((url) => url.endsWith(".wasm")), "it needs no WASM");
  }
  const [first, second] = pages;
  await second.emulateMedia({ reducedMotion: "reduce" });
  await first.bringToFront();
  await first.locator("#now-countries").getByText("Germany").waitFor();
  const link = first.locator("#now-countries a").first();
  await link.focus();
  await send(AMERICA, "/sent", { referrer: "https://news.ycombinator.com/" });
  await send(AMERICA, "/sent", { name: "Signup" });
  for (const page of pages) await feed(page).filter({ hasText: "/sent" }).nth(1).waitFor({ timeout: 1_000 });
  assert.equal(await first.locator(".now-count").innerText(), "2");
  const newest = (await feed(first).first().innerText()).replace(/\s+/g, " ");
  assert.match(newest, /^US United States Signup \/sent .*\d s ago$/);
  // What the store knows follows.
  await first.locator("#now-sources").getByText("Hacker News").waitFor({ timeout: 3_000 });
  await first.locator("#now-map").getByRole("link", { name: /^United States: visitors 1, 50%/ }).waitFor();
  assert.ok((await first.evaluate(() => window.moved)) > 0, "rows come in, on the page that was opened");
  assert.equal(await second.evaluate(() => window.moved), 0, "nothing moves for who asked for that");
  assert.ok(await link.evaluate((node) => node === document.activeElement), "what has the focus keeps it");
  for (const { page, faults } of tabs) {
    assert.deepEqual(faults, []);
    await page.close();
  }
});

test("the map colours the countries of visitors, and leads to them", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}/realtime`);
  const germany = page.locator("#now-map").getByRole("link", { name: /^Germany: visitors 1, 50%.*Show only Germany/ });
  const shape = await germany.locator("use").boundingBox();
  assert.ok(shape.width > 3 && shape.height > 3, "its shape is drawn");
  const fill = (locator) => locator.evaluate((use) => getComputedStyle(use).fill);
  assert.notEqual(await fill(germany.locator("use")), await fill(page.locator(".map-land")));
  await looksRight(page, "realtime");
  await germany.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/shop\.example\?period=30m&f=is,country,DE$/);

  await page.goto(`${product.base}/${DOMAIN}?period=day`);
  const panel = page.locator("#places");
  const before = await panel.boundingBox();
  await panel.getByRole("link", { name: "Map", exact: true }).click();
  await page.waitForURL(/period=day&places=map$/);
  await panel.locator(".map-country").first().waitFor();
  assert.equal((await panel.boundingBox()).height, before.height, "a map is as high as rows");
  // Where it was scrolled to, the bar lies over some of the tabs.
  await page.evaluate(() => scrollTo(0, 0));
  await page.locator(".chart-host svg").waitFor();
  await looksRight(page, "dashboard with a map");
  await page.evaluate(() => { window.stays = true; });
  await panel.getByRole("link", { name: /^Germany/ }).locator("use").click();
  await page.waitForURL(/period=day&places=map&f=is,country,DE$/);
  await panel.getByRole("link", { name: /^Germany: visitors 1, 100%/ }).waitFor();
  assert.equal(await panel.locator(".map-country").count(), 1);
  assert.equal(await page.evaluate(() => window.stays), true, "the dashboard goes on");
  await panel.getByRole("link", { name: /Countries$/ }).last().click();
  await page.waitForURL(/by\/country/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("it is found from the dashboard", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=7d`);
  await page.locator(".pill").click();
  await page.waitForURL(/shop\.example\/realtime/);
  await page.locator(".menu-left summary").click();
  await page.getByRole("link", { name: "Realtime", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("realtime");
  await page.keyboard.press("Enter");
  await page.waitForURL(/shop\.example\/realtime/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("nobody looks, nothing is asked for; away is said, and the page comes back", async () => {
  const { page } = await open(context);
  const asked = streams(page);
  const seen = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await page.goto(`${product.base}/${DOMAIN}/realtime`);
  await page.waitForFunction(() => document.querySelector("#now-away").hidden);
  const { page: watched } = await open(context);
  await watched.goto(`${product.base}/${DOMAIN}/realtime`);
  assert.equal(asked.length, 1);
  await seen(true);
  await send(GERMANY, "/hidden");
  await feed(watched).filter({ hasText: "/hidden" }).waitFor({ timeout: 2_000 });
  await watched.close();
  assert.equal(await feed(page).filter({ hasText: "/hidden" }).count(), 0);
  await seen(false);
  await feed(page).filter({ hasText: "/hidden" }).waitFor({ timeout: 2_000 });
  assert.equal(asked.length, 2);

  await context.setOffline(true);
  await seen(true);
  await seen(false);
  await page.getByText("Live figures are away; trying again").waitFor();
  await context.setOffline(false);
  await page.getByText("Live figures are away; trying again").waitFor({ state: "hidden", timeout: 8_000 });
  await send(GERMANY, "/back");
  await feed(page).filter({ hasText: "/back" }).waitFor({ timeout: 2_000 });
  await page.close();
});

test("it reads without script, and is nobody else's", async () => {
  const state = await context.storageState();
  await without(state, browser, `${product.base}/${DOMAIN}/realtime`, async (page) => {
    await page.locator("noscript .notice").filter({ hasText: "Reload the page" }).waitFor();
    await feed(page).filter({ hasText: "/sent" }).first().waitFor();
    await page.locator("#now-countries").getByRole("link", { name: "Show only Germany" }).click();
    await page.waitForURL(/period=30m&f=is,country,DE$/);
  });
  await without(state, browser, `${product.base}/${DOMAIN}?period=day&places=map`, async (page) => {
    await page.locator("#places").getByRole("link", { name: /^Germany: / }).locator("use").click();
    await page.waitForURL(/f=is,country,DE/);
  });
  await without(state, browser, `${product.base}/nobody.example/realtime`, (page) => page.getByText("Nothing here").first().waitFor());
  const of = (domain, headers) => fetch(`${product.base}/api/app/realtime?domain=${domain}&stored=true`, { headers });
  const cookie = state.cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const asked = [of(DOMAIN, {}), of("nobody.example", { cookie }), of("%22%3E%3Cb%3E", { cookie }), of(DOMAIN, { cookie })];
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map(({ ok }) => ok), [false, false, false, true]);
  assert.match(await answers[0].text(), /NotSignedIn/);
});
