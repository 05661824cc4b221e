// The main job in a real browser: set-up link → owner → domain → snippet on a real page → the figure on the live dashboard.
// Every page is also checked for console errors, accessibility and reading without JavaScript.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
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

test("what a form came to is told on the page it leads to", async () => {
  await product.run("site", "add", "twice.example");
  const { page, faults } = await open();
  await page.goto(`${product.base}/twice.example`);
  const csrf = await page.locator("input[name=csrf]").first().inputValue();
  const load = () =>
    page.request.post(`${product.base}/api/app/load-demo`, { form: { csrf, domain: "twice.example" }, headers: { origin: product.base, accept: "text/html" }, maxRedirects: 0 });
  const answers = await Promise.all([load(), load()]);
  const told = answers.map((answer) => answer.headers().location).find((location) => location?.includes("said="));
  assert.ok(told, "one of two at once is refused");
  await page.goto(product.base + told);
  await page.getByRole("alert").getByText("Another import into this domain is running").waitFor();
  assert.equal(new URL(page.url()).search, "", "it is told once");
  const forged = Buffer.from(JSON.stringify({ Other: "call this number" })).toString("base64url");
  await page.goto(`${product.base}/twice.example?__path=/api/app/load-demo&__err=${forged}`);
  assert.equal(await page.getByText("call this number").count(), 0, "an address puts no text into the page");
  assert.deepEqual(faults, []);
  await page.close();
});

test("demo data is loaded to its end though the page is left", async () => {
  await product.run("site", "add", "left.example");
  const { page } = await open();
  await page.goto(`${product.base}/left.example`);
  const csrf = await page.locator("input[name=csrf]").first().inputValue();
  await page.evaluate(async (csrf) => {
    const left = new AbortController();
    setTimeout(() => left.abort(), 100);
    await fetch("/api/app/load-demo", { method: "POST", body: new URLSearchParams({ csrf, domain: "left.example" }), signal: left.signal }).catch(() => {});
  }, csrf);
  const remove = () =>
    page.request.post(`${product.base}/api/app/remove-demo`, { form: { csrf, domain: "left.example" }, headers: { origin: product.base, accept: "text/html" }, maxRedirects: 0 });
  let answer = await remove();
  for (let tries = 0; answer.headers().location !== "/left.example"; tries++) {
    assert.ok(tries < 60, "what is still loading after half a minute was cut off");
    await page.waitForTimeout(500);
    answer = await remove();
  }
  await page.close();
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
  await figures(page);
  await zoom(page);
  await details(page);
  await behaviour(page);
  await keyboard(page);
  for (const period of ["30m", "24h", "day", "7d", "30d", "month", "12mo"]) {
    await page.goto(`${product.base}/demo.example?period=${period}`);
    await page.reload();
  }
  assert.deepEqual(faults, [], "no console error on any period, also after reloading");
  // What is still loading says so, and is removed a moment later.
  const [removed, refused] = [page.getByRole("button", { name: /load demo data/i }).first(), page.getByRole("alert").getByText("still loading")];
  do {
    await page.waitForTimeout(500);
    await page.getByRole("button", { name: /remove demo data/i }).first().click();
    await removed.or(refused).waitFor({ timeout: 60_000 });
  } while (!(await removed.isVisible()));
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
  await page.locator("#places tbody tr").nth(1).waitFor({ state: "detached" });
  assert.match(await page.locator("#places tbody").innerText(), /Germany[^]*100/);
  await accessible(page, "dashboard, filtered");
  await page.reload();
  assert.equal(await visitors(), germans, "the address has it all");
  await page.getByTitle("Edit the filter").click();
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
  assert.equal(await page.locator("#places").getByText("Germany").count(), 0);
  assert.match(page.url(), /f=contains,source,oog$/, "the form's address is that of a link");
  // Parts are made at different times: a choice in one of them goes by what another one changed since.
  await page.locator("#pages").getByRole("link", { name: "Entry", exact: true }).click();
  await page.locator("#devices").getByRole("link", { name: "Systems" }).click();
  await page.waitForURL(/pages=entry_page.*devices=os|devices=os.*pages=entry_page/);
  await page.locator("#devices").getByText("Windows").waitFor();
  await page.getByRole("link", { name: "Clear all" }).click();
  await page.waitForFunction((text) => document.querySelector(".kpi-figure").innerText === text, all);
  await page.goBack();
  await page.getByRole("link", { name: /Remove the filter .Country is not Germany/ }).waitFor();
  await page.goto(`${product.base}/demo.example?period=30d&f=matches,page,(`);
  await page.getByText(/not a regular expression/).first().waitFor();
  assert.equal(await page.locator("[data-retry]").count(), 0, "what is asked wrongly is not offered again");
  await page.goto(`${product.base}/demo.example?period=30d`);
}

/** Each figure of the strip leads the chart; goals, events and properties have a panel. */
async function figures(page) {
  const chart = page.locator("section.chart");
  await page.getByRole("region", { name: "Figures" }).getByRole("link", { name: /^Bounce rate/ }).click();
  await page.waitForURL(/metric=bounce_rate/);
  await page.waitForFunction(() => document.querySelector("section.chart").ariaLabel.startsWith("Bounce rate. Most: "));
  assert.match(await chart.locator(".legend").innerText(), /^Bounce rate/);
  assert.ok((await page.locator(".kpi .spark").count()) === 6, "each figure has its line");
  const goals = page.getByRole("region", { name: "Goals and events" });
  await goals.getByText("No goal was completed").waitFor();
  await product.run("goal", "add", "--domain", "demo.example", "--event", "Signup", "--currency", "EUR");
  await goals.getByRole("link", { name: "Events" }).click();
  await goals.getByRole("row", { name: /Signup/ }).waitFor();
  await goals.getByRole("link", { name: "Goals", exact: true }).click();
  await goals.getByRole("row", { name: /Signup.*%/ }).waitFor();
  await goals.getByRole("link", { name: "Properties" }).click();
  await goals.getByRole("link", { name: "Values of plan" }).click();
  await page.waitForURL(/demo\.example\/by\/props:plan\?/);
  await page.getByRole("heading", { name: "plan of demo.example" }).waitFor();
  assert.match(await page.locator("tbody").innerText(), /29\.00/);
}

/** Days that the pointer is dragged over become the period; back undoes it, and a click or Escape chooses nothing. */
async function zoom(page) {
  await page.goto(`${product.base}/demo.example?period=30d`);
  const host = page.locator(".chart-host.chart-zooms");
  await host.waitFor();
  const drag = async (from, to, end) => {
    const { x, y, width, height } = await host.boundingBox();
    await page.mouse.move(x + width * from, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * to, y + height / 2, { steps: 4 });
    await end?.();
    await page.mouse.up();
  };
  await drag(0.5, 0.5);
  await drag(0.2, 0.6, () => page.keyboard.press("Escape"));
  assert.match(page.url(), /period=30d$/, "nothing is chosen");
  const rows = () => page.locator(".twin tbody tr").count();
  const before = await rows();
  await drag(0.6, 0.2, () => page.locator(".zoom:not([hidden])").waitFor());
  await page.waitForURL(/period=custom&from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/);
  const { from, to } = Object.fromEntries(new URL(page.url()).searchParams);
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  assert.ok(days > 8 && days < 16, `${from} to ${to} is two fifths of the chart`);
  await page.waitForFunction((days) => document.querySelectorAll(".twin tbody tr").length === days, days);
  await page.goBack();
  await page.waitForFunction((days) => document.querySelectorAll(".twin tbody tr").length === days, before);
}

/** All rows of a panel: found, sorted, downloaded, and back. */
async function details(page) {
  await page.goto(`${product.base}/demo.example?period=30d&f=is_not,country,DE`);
  await page.getByRole("link", { name: /^Show all 24.*: Pages$/ }).click();
  await page.getByRole("heading", { name: "Pages of demo.example" }).waitFor();
  assert.match(page.url(), /\/by\/page\?period=30d&f=is_not,country,DE$/);
  const labels = () => page.locator("tbody .middle").allInnerTexts();
  const all = await labels();
  assert.equal(all.length, 24);
  await accessible(page, "details");
  await page.getByRole("searchbox").fill("BLOG");
  await page.getByRole("searchbox").press("Enter");
  await page.waitForURL(/search=BLOG/);
  assert.deepEqual(await labels(), all.filter((label) => label.includes("blog")), "rows keep their order");
  await page.getByRole("link", { name: "Page", exact: true }).click();
  await page.waitForURL(/sort=label/);
  assert.deepEqual(await labels(), all.filter((label) => label.includes("blog")).sort());
  assert.equal(await page.getByRole("columnheader", { name: "Page", exact: true }).getAttribute("aria-sort"), "ascending");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
  assert.equal(file.suggestedFilename(), "demo.example-page.csv");
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\n");
  assert.equal(lines[0], "page,visitors,percentage,pageviews,bounce_rate,time_on_page,scroll_depth");
  assert.equal(lines.length - 1, (await labels()).length);
  await page.getByRole("searchbox").fill("no such page");
  await page.getByRole("searchbox").press("Enter");
  await page.getByRole("link", { name: "Clear the search" }).click();
  await page.waitForURL((url) => !url.searchParams.has("search"));
  // A period is chosen without losing the order; a row leads to the dashboard with nothing of this page.
  await page.keyboard.press("w");
  await page.waitForURL(/period=7d.*sort=label/);
  await page.getByRole("link", { name: "Show only /pricing" }).click();
  await page.waitForURL(/demo\.example\?period=7d&f=is_not,country,DE&f=is,page,\/pricing$/);
  await page.goto(`${product.base}/demo.example/by/page?period=30d&f=is_not,country,DE&sort=label`);
  await page.getByRole("link", { name: "Back to the dashboard" }).click();
  await page.waitForURL(/demo\.example\?period=30d&f=is_not,country,DE$/);
  await page.goto(`${product.base}/demo.example/by/page?period=30d&page=9`);
  await page.getByRole("link", { name: "First page" }).waitFor();
  for (const nothing of ["/demo.example/by/visitor_id", "/not-mine.example/by/page", "/api/app/table.csv?domain=not-mine.example&by=page"]) {
    assert.equal((await page.request.get(product.base + nothing)).status(), 404, nothing);
  }
  const stranger = await browser.newContext();
  const file_of = await stranger.request.get(`${product.base}/api/app/table.csv?domain=demo.example&by=page`);
  assert.equal(file_of.status(), 401);
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState(), viewport: { width: 390, height: 844 } });
  const reader = await plain.newPage();
  await reader.goto(`${product.base}/demo.example/by/source?period=30d`);
  assert.match(await reader.locator("tbody").innerText(), /Google/);
  await plain.close();
  await stranger.close();
}

/** The whole by keyboard: periods by letters and arrows, everything else by a few letters. */
async function keyboard(page) {
  await page.goto(`${product.base}/demo.example?period=30d&f=is,country,DE`);
  await page.locator(".pill").first().waitFor();
  await page.keyboard.press("w");
  await page.waitForURL(/period=7d&f=is,country,DE/);
  await page.locator(".bar-period summary").getByText("Last 7 days").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.waitForURL(/period=custom/);
  await page.getByRole("link", { name: "Later" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL(/period=7d/);
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Go to" });
  await palette.getByRole("combobox").pressSequentially("utm sour");
  await accessible(page, "palette");
  assert.equal(await palette.getByRole("option").filter({ visible: true }).count(), 1);
  await page.keyboard.press("Enter");
  await page.waitForURL(/demo\.example\/by\/utm_source\?period=7d&f=is,country,DE/);
  await page.keyboard.press("m");
  await page.waitForURL(/by\/utm_source\?period=month/);
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox").fill("nothing is called so");
  await palette.getByText("Nothing is called so.").waitFor();
  await palette.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("w");
  await page.waitForTimeout(300);
  assert.match(page.url(), /period=month/, "letters are switched off");
  await page.evaluate(() => localStorage.clear());
}

/** Funnels, journeys and retention, led to from the dashboard. */
async function behaviour(page) {
  await page.goto(`${product.base}/demo.example?period=30d&f=is,country,DE`);
  await page.getByRole("region", { name: "Goals and events" }).getByRole("link", { name: "Funnel" }).click();
  await page.getByRole("heading", { name: "Funnel of demo.example" }).waitFor();
  const add = async (what, value) => {
    await page.getByRole("combobox", { name: "What" }).selectOption(what);
    await page.getByRole("textbox", { name: "Value" }).fill(value);
    await page.getByRole("button", { name: "Add a step" }).click();
  };
  await add("page", "/");
  await page.getByText("Add at least two steps").waitFor();
  await add("page", "/pricing");
  await add("name", "Signup");
  const steps = page.locator(".funnel-step");
  await page.getByText(/lost \(\d/).first().waitFor();
  const counts = (await steps.locator("strong").allInnerTexts()).map((text) => Number(text.replace(",", "")));
  assert.ok(counts.length === 3 && counts[0] > counts[1] && counts[1] > counts[2] && counts[2] > 0, `${counts}`);
  await accessible(page, "funnel");
  // What the bar decides leaves the steps where they are.
  await page.getByTitle("Add a filter").click();
  const filter = page.locator("form:has(select[name=op])");
  await filter.getByRole("combobox", { name: "What" }).selectOption("source");
  await filter.getByRole("textbox", { name: "Value" }).fill("Google");
  await filter.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("link", { name: /Remove the filter .Source is Google/ }).click();
  await page.getByRole("link", { name: /Remove the filter .Source is Google/ }).waitFor({ state: "detached" });
  assert.equal(await steps.count(), 3);
  await page.getByRole("link", { name: "Nothing in between" }).click();
  await page.waitForURL(/order=strict/);
  await page.getByRole("link", { name: "Remove the step “Page is /pricing”" }).click();
  assert.equal(await steps.count(), 2);
  await add("goal", "No such goal");
  await page.getByRole("alert").waitFor();
  await page.getByRole("link", { name: "Journeys" }).click();
  await page.getByText(/visits, and what they did next/).waitFor();
  await page.getByRole("link", { name: "Journeys from /pricing" }).first().click();
  await page.getByRole("link", { name: "What came before" }).click();
  await page.getByText(/visits, and what they did before/).waitFor();
  assert.match(page.url(), /f=is,country,DE&.*start=is,page,\/pricing&direction=backward$/);
  await accessible(page, "journeys");
  await page.getByRole("link", { name: "Retention" }).click();
  await page.getByText(/visitor ids live for a day/).waitFor();
  await accessible(page, "retention");
  assert.equal((await page.request.get(`${product.base}/not-mine.example/funnel`)).status(), 404);
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
  // What a link says is not lost on the way through the form.
  const link = `/${DOMAIN}?period=7d&f=contains,page,/a%2525b%5C,c%20d&f=is,country,DE`;
  await page.goto(product.base + link);
  await page.waitForURL(/\/login/);
  await accessible(page, "sign-in");
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill("not the password");
  await page.locator("form").getByRole("button").first().click();
  await page.getByRole("alert").first().waitFor();
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("form").getByRole("button").first().click();
  await page.waitForURL((url) => url.pathname === `/${DOMAIN}`);
  assert.equal(page.url(), product.base + link);
  assert.equal((await fetch(product.setup)).status < 500, true, "the set-up link is spent");
  assert.deepEqual(faults, []);
  await stranger.close();
});
