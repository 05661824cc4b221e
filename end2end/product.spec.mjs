// The main job in a real browser: set-up link → owner → domain → snippet on a real page → the figure on the live dashboard.
// Every page is also checked for console errors, accessibility and reading without JavaScript.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, launch, open as openIn } from "./product/browser.mjs";
import { startProduct, startSite } from "./product/server.mjs";

const PASSWORD = "correct horse battery staple";
const EMAIL = "owner@example.org";
const DOMAIN = "shop.example";

let product, site, browser, context;

before(async () => {
  product = await startProduct();
  const snippet = `<script defer data-test data-domain="${DOMAIN}" src="${product.base}/tracker.js"></script>`;
  site = await startSite({
    "/": `<!doctype html><title>Shop</title>${snippet}<h1>Shop</h1><a href="/about">About</a>`,
    "/about": `<!doctype html><title>About</title>${snippet}<h1>About</h1>`,
    "/app": `<!doctype html><title>App</title>${snippet}<button onclick="history.pushState({}, '', '/app/orders')">Orders</button>`,
  });
  browser = await launch();
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: "Europe/Berlin" });
});

after(async () => {
  await browser?.close();
  await site?.close();
  await product?.stop();
});

const open = (from = context) => openIn(from);

/** A visit of a stranger to the measured site. */
async function visit(path, act = async () => {}) {
  const stranger = await browser.newContext({ userAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36" });
  const page = await stranger.newPage();
  const counted = page.waitForResponse((response) => response.url().endsWith("/api/events") && response.status() === 202);
  await page.goto(`http://${DOMAIN}:${site.port}${path}`);
  await counted;
  await act(page);
  await stranger.close();
}

test("from the set-up link to the first visit, without reloading", async () => {
  const { page, faults } = await open();
  await page.goto(product.setup);
  await accessible(page, "set-up, owner");
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill("short");
  await page.locator("form").getByRole("button").first().click();
  assert.match(page.url(), /\/setup/, "a short password is refused");
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("form").getByRole("button").first().click();

  await page.locator("input[name=domain]").waitFor();
  await accessible(page, "set-up, domain");
  // The time zone is guessed from the browser.
  await page.waitForFunction(() => document.querySelector("select[name=timezone]")?.value === "Europe/Berlin");
  await page.locator("input[name=domain]").fill(DOMAIN);
  await page.locator("form:has(input[name=domain])").getByRole("button").first().click();

  await page.getByText(`data-domain="${DOMAIN}"`).waitFor();
  await accessible(page, "set-up, snippet");
  await page.getByText(/waiting for the first/i).first().waitFor();
  await visit("/");
  await page.getByText(/it works/i).first().waitFor({ timeout: 10_000 });
  await page.getByRole("link", { name: /dashboard/i }).first().click();
  await page.waitForURL(`**/${DOMAIN}**`);
  assert.deepEqual(faults, []);
  await page.close();
});

test("a visit shows on the open dashboard by itself", async () => {
  const { page, faults } = await open();
  await page.goto(`${product.base}/${DOMAIN}?period=30m`);
  await page.locator(".pill").first().waitFor();
  const seen = page.getByText("/about").first();
  assert.equal(await seen.count(), 0);
  await visit("/about");
  await seen.waitFor({ timeout: 5_000 });
  await visit("/app", async (stranger) => {
    const counted = stranger.waitForResponse((response) => response.url().endsWith("/api/events") && response.status() === 202);
    await stranger.getByRole("button").click();
    await counted;
  });
  await page.getByText("/app/orders").first().waitFor({ timeout: 5_000 });
  assert.deepEqual(faults, []);
  await page.close();
});

test("a page that comes back from the back/forward cache counts again", async () => {
  const key = (await product.run("token", "add", "--domain", DOMAIN, "--scopes", "stats:read")).trim();
  const pageviews = async () => {
    const answer = await fetch(`${product.base}/api/v2/query`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ site_id: DOMAIN, metrics: ["pageviews"], date_range: "all" }),
    });
    return (await answer.json()).results[0].metrics[0];
  };
  const until = async (wanted) => {
    for (let tries = 0; tries < 200 && (await pageviews()) < wanted; tries++) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await pageviews(), wanted);
  };
  // What the visits before this one sent.
  await until(4);
  await visit("/", async (stranger) => {
    const counted = (path) => stranger.waitForResponse((response) => response.url().endsWith("/api/events") && response.request().postData().includes(path));
    const next = counted("/about");
    await stranger.getByRole("link").click();
    await next;
    const back = counted('"pageview"').catch(() => {});
    // A page from the cache does not load again.
    await stranger.goBack({ waitUntil: "commit" });
    await Promise.race([back, stranger.waitForTimeout(3_000)]);
  });
  await until(4 + 3);
});

test("demo data fills every panel and is removed in one click", async () => {
  const { page, faults } = await open();
  await page.goto(product.base + "/sites");
  await page.locator("summary.button").click();
  await page.locator("input[name=domain]").fill("demo.example");
  await page.locator("form:has(input[name=domain])").getByRole("button").first().click();
  await page.waitForURL(/demo\.example/);
  await page.goto(`${product.base}/demo.example`);
  await page.getByRole("button", { name: /demo data/i }).first().click();
  await page.getByText("/pricing").first().waitFor({ timeout: 60_000 });
  await page.goto(`${product.base}/demo.example?period=30d`);
  for (const text of ["Google", "Germany", "Chrome"]) await page.getByText(text).first().waitFor();
  await accessible(page, "dashboard, light");
  await page.emulateMedia({ colorScheme: "dark" });
  await accessible(page, "dashboard, dark");
  await page.emulateMedia({ colorScheme: "light" });
  await filters(page);
  for (const period of ["30m", "24h", "day", "7d", "30d", "month", "12mo"]) {
    await page.goto(`${product.base}/demo.example?period=${period}`);
    await page.reload();
  }
  assert.deepEqual(faults, [], "no console error on any period, also after reloading");
  await page.getByRole("button", { name: /remove demo data/i }).first().click();
  await page.getByRole("button", { name: /load demo data/i }).first().waitFor({ timeout: 60_000 });
  await page.close();
});

/** Filters by a row, turns it round, adds one by the form, and takes both away; the figures follow each step. */
async function filters(page) {
  const visitors = () => page.locator(".kpi-figure").first().innerText();
  const becomes = (before) => page.waitForFunction((text) => document.querySelector(".kpi-figure").innerText !== text, before);
  await page.goto(`${product.base}/demo.example?period=30d`);
  await page.getByRole("link", { name: "Show only Germany" }).waitFor();
  const all = await visitors();
  await page.getByRole("link", { name: "Show only Germany" }).click();
  await page.waitForURL(/f=is,country,DE/);
  await becomes(all);
  const germans = await visitors();
  await page.locator("#countries tbody tr").nth(1).waitFor({ state: "detached" });
  assert.match(await page.locator("#countries tbody").innerText(), /Germany[^]*100/);
  await accessible(page, "dashboard, filtered");
  await page.reload();
  assert.equal(await visitors(), germans, "the address has it all");
  await page.getByRole("list", { name: "Filters" }).getByRole("link", { name: /^Country is Germany: change/i }).click();
  await page.waitForURL(/f=is_not,country,DE/);
  await becomes(germans);
  await page.getByTitle("Add a filter").click();
  const form = page.locator("form:has(select[name=op])");
  await form.getByRole("combobox", { name: "What" }).selectOption("source");
  await form.getByRole("combobox", { name: "How" }).selectOption("contains");
  await form.getByRole("textbox", { name: "Value" }).fill("oog");
  await accessible(page, "dashboard, adding a filter");
  await form.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("link", { name: /Remove the filter .Source contains oog/ }).waitFor();
  assert.match(await page.locator("#sources tbody").innerText(), /^Google/);
  assert.equal(await page.locator("#countries").getByText("Germany").count(), 0);
  assert.match(page.url(), /f=contains,source,oog$/, "the form's address is that of a link");
  // Parts are made at different times: a choice in one of them goes by what another one changed since.
  await page.locator("#pages").getByRole("link", { name: "Entry", exact: true }).click();
  await page.locator("#devices").getByRole("link", { name: "Systems" }).click();
  await page.waitForURL(/pages=entry.*devices=os|devices=os.*pages=entry/);
  await page.locator("#devices").getByText("Windows").waitFor();
  await page.getByRole("link", { name: "Clear all" }).click();
  await page.waitForFunction((text) => document.querySelector(".kpi-figure").innerText === text, all);
  await page.goBack();
  await page.getByRole("link", { name: /Remove the filter .Country is not Germany/ }).waitFor();
  await page.goto(`${product.base}/demo.example?period=30d&f=matches,page,(`);
  await page.getByText(/not a regular expression/).first().waitFor();
  await page.goto(`${product.base}/demo.example?period=30d`);
}

test("reads without JavaScript", async () => {
  const state = await context.storageState();
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: state, viewport: { width: 390, height: 844 } });
  const page = await plain.newPage();
  await page.goto(`${product.base}/${DOMAIN}?period=day`);
  const text = await page.locator("main").innerText();
  assert.match(text, /visitors/i);
  assert.match(text, /\/about/);
  assert.ok(await page.locator("main svg").count(), "the chart is there as SVG");
  await plain.close();
});

test("every state is in the address: period, back, reload", async () => {
  const { page, faults } = await open();
  await page.goto(`${product.base}/${DOMAIN}?period=7d`);
  await page.goto(`${product.base}/${DOMAIN}?period=custom&from=2026-01-01&to=2026-01-31`);
  await page.reload();
  await page.goBack({ waitUntil: "commit" });
  assert.match(page.url(), /period=7d/);
  // Closing a page that is on its way out of the back/forward cache would wait for ever.
  await page.locator("main").waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test("who is not signed in sees the landing page and is led to the sign-in form", async () => {
  const stranger = await browser.newContext();
  const { page, faults } = await open(stranger);
  await page.goto(product.base + "/");
  await accessible(page, "landing");
  await page.goto(`${product.base}/${DOMAIN}`);
  await page.waitForURL(/\/login/);
  await accessible(page, "sign-in");
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill("not the password");
  await page.locator("form").getByRole("button").first().click();
  await page.getByRole("alert").first().waitFor();
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("form").getByRole("button").first().click();
  await page.waitForURL(new RegExp(DOMAIN.replace(".", "\\.")));
  assert.equal((await fetch(product.setup)).status < 500, true, "the set-up link is spent");
  assert.deepEqual(faults, []);
  await stranger.close();
});
