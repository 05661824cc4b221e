// The pages around the dashboard: what was not counted, the list of all domains, and how a figure came about. Each with and without script,
// in both themes, with wrong addresses, empty, and asked for by somebody else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, looksRight, open, without } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const DOMAIN = "shop.example";
const EMPTY = "empty.example";

let product, browser, context, key;

before(async () => {
  product = await startProduct();
  browser = await launch();
  context = await browser.newContext({ storageState: await makeOwner(product, browser), viewport: { width: 1440, height: 900 } });
  for (const domain of [DOMAIN, EMPTY, "blog.example"]) await product.run("site", "add", domain);
  key = (await product.run("token", "add", "--domain", DOMAIN, "--scopes", "stats:read")).trim();

  for (let n = 0; n < 4; n++) await send({ path: `/page/${n}`, sessionId: `visit ${n}` });
  const id = "0190d5c2-0000-7000-8000-000000000001";
  for (let n = 0; n < 3; n++) await send({ path: "/sent-again", id, sessionId: "visit 0" });
  await send({ path: "/too-late", name: "engagement", engagementMs: 4_000, sessionId: "nobody's" });
  await send({ path: "/crawled" }, "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)");
  assert.equal((await send({ path: 7 })).status, 400);
  await eventually(async () => (await figure("pageviews")) === 5);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

function send(event, agent = PERSON) {
  const body = JSON.stringify({ domain: DOMAIN, ...event });
  return fetch(`${product.base}/api/events`, { method: "POST", headers: { "content-type": "text/plain", "user-agent": agent }, body });
}

async function ask(body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return (await fetch(`${product.base}/api/v2/query`, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

const figure = async (metric) => (await ask({ site_id: DOMAIN, metrics: [metric], date_range: "all" })).results[0].metrics[0];

async function eventually(holds) {
  for (let tries = 0; tries < 200 && !(await holds()); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(await holds());
}

const plainly = async (path, look) => without(await context.storageState(), browser, product.base + path, look);

/** Whoever may not see an address is told that there is none. */
async function refused(path) {
  const password = (await product.run("user", "add", `${path.replace(/\W/g, "")}@example.org`)).trim();
  const stranger = await browser.newContext();
  const page = await stranger.newPage();
  await page.goto(product.base + path);
  await page.waitForURL(/\/login/);
  await page.getByRole("textbox", { name: "E-mail" }).fill(`${path.replace(/\W/g, "")}@example.org`);
  await page.locator("input[name=password]").fill(password);
  await page.locator("main").getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(product.base + path);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();
  const [theirs, nobodys] = await Promise.all(
    [path, path.replace(DOMAIN, "unknown.example")].map((path) => stranger.request.get(product.base + path)),
  );
  assert.deepEqual([theirs.status(), nobodys.status()], [404, 404]);
  const [, domain, name, metric] = path.split("/");
  const asked = `${product.base}/api/app/${name}?${new URLSearchParams({ domain, metric: metric ?? "", view: "" })}`;
  assert.match(await (await stranger.request.get(asked)).text(), /NotFound/);
  assert.match(await (await fetch(asked)).text(), /NotSignedIn/);
  await stranger.close();
}

test("what was not counted: by reason, over time, and the last examples", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=24h&f=is,page,/page/1`);
  await page.getByTitle("Switch domain").click();
  await page.getByRole("link", { name: "What was not counted" }).click();
  await page.getByRole("heading", { level: 1, name: "What was not counted" }).waitFor();
  assert.match(page.url(), /drops\?period=24h&f=is,page/, "the state comes along");
  await page.getByText("Filters do not apply").waitFor();

  // 4 pages, 1 sent three times, 1 report without a visit, 1 bot.
  await page.getByText("Of 9 records that arrived, 55.6% count.").waitFor();
  const reasons = page.getByRole("region", { name: "Dropped by reason" });
  await reasons.getByRole("row", { name: "Sent again 2 22.2%" }).waitFor();
  await reasons.getByRole("row", { name: "No live visit 1 11.1%" }).waitFor();
  await page.getByRole("region", { name: "Bots" }).getByRole("row", { name: "AI crawlers and assistants 1 11.1%" }).waitFor();
  const last = page.getByRole("region", { name: "The last that were dropped" });
  await last.getByRole("row", { name: /engagement \/too-late shop\.example No live visit/ }).waitFor();
  assert.equal(await last.getByRole("row", { name: /pageview \/sent-again/ }).count(), 2);
  await page.getByRole("region", { name: "Refused on arrival" }).getByRole("row", { name: /Not valid 1 .* field path/ }).waitFor();
  await page.getByRole("img", { name: /Dropped: 3 in all/ }).waitFor();
  await page.getByText("Show as a table").click();
  await page.getByRole("region", { name: "Dropped over time" }).getByRole("row", { name: /3 2 1/ }).waitFor();
  await page.getByText("All reasons there are").click();
  await page.getByText("shield_country").waitFor();
  assert.equal(/127\.0\.0\.1|Mozilla|Chrome/.test(await page.locator("main").innerText()), false, "nothing about who sent it");
  await looksRight(page, "what was not counted");

  await page.getByTitle("Period").click();
  await page.getByRole("link", { name: "Last 7 days" }).click();
  await page.waitForURL(/drops\?period=7d/);
  await page.getByText("Of 9 records").waitFor();
  await page.locator("main").getByRole("link", { name: "Back to the dashboard" }).click();
  await page.waitForURL(new RegExp(`${DOMAIN}\\?period=7d`));
  assert.deepEqual(faults, []);
  await page.close();
});

test("what was not counted: nothing, odd addresses, no script, and somebody else", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${EMPTY}/drops?period=nonsense&page=-1`);
  await page.getByText("Nothing arrived in this period.").waitFor();
  await page.getByText(/No event was refused/).waitFor();
  await looksRight(page, "nothing that was not counted");
  await page.getByRole("link", { name: "Look at all time" }).click();
  await page.waitForURL(/period=all/);
  assert.equal(await page.getByRole("link", { name: "Look at all time" }).count(), 0);
  assert.deepEqual(faults, []);
  await page.close();
  await plainly(`/${DOMAIN}/drops`, async (plain) => {
    await plain.getByRole("row", { name: /Sent again 2/ }).waitFor();
    await plain.getByTitle("Period").click();
    await plain.getByLabel("From").fill("2026-01-01");
    await plain.getByLabel("To", { exact: true }).fill("2026-01-31");
    await plain.getByRole("button", { name: "Apply" }).click();
    await plain.waitForURL(/drops\?period=custom&from=2026-01-01/);
    await plain.getByText("Nothing arrived in this period.").waitFor();
  });
  await refused(`/${DOMAIN}/drops`);
});

test("all domains: figures, sorted by any column, narrowed by a search", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/sites`);
  const names = () => page.locator("tbody tr:visible").getByRole("link").allInnerTexts();
  assert.deepEqual(await names(), ["blog.example", EMPTY, DOMAIN]);
  await page.getByRole("row", { name: /shop\.example UTC \d+ 1 no earlier data/ }).waitFor();
  await page.getByRole("row", { name: /empty\.example no events yet 0 – –/ }).waitFor();
  await page.getByRole("row", { name: /All 3 domains \d+ 1/ }).waitFor();
  await looksRight(page, "all domains");

  await page.getByRole("columnheader", { name: "Visitors" }).getByRole("link").click();
  await page.waitForURL(/sort=visitors$/);
  assert.deepEqual(await names(), [DOMAIN, "blog.example", EMPTY]);
  assert.equal(await page.getByRole("columnheader", { name: "Visitors" }).getAttribute("aria-sort"), "descending");
  await page.getByRole("columnheader", { name: "Domain" }).getByRole("link").click();
  await page.getByRole("columnheader", { name: "Domain" }).getByRole("link").click();
  await page.waitForURL(/sort=name&order=turned/);
  assert.deepEqual(await names(), [DOMAIN, EMPTY, "blog.example"]);

  await page.keyboard.press("/");
  const search = page.getByRole("searchbox", { name: "Search" });
  assert.ok(await search.evaluate((field) => field === document.activeElement), "the slash leads to the search");
  await page.keyboard.type("shop/");
  await page.getByText("No domain has a name like that.").waitFor();
  await page.keyboard.press("Backspace");
  assert.deepEqual(await names(), [DOMAIN]);
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=shop&order=turned/);
  assert.deepEqual(await names(), [DOMAIN]);
  await page.getByRole("row", { name: /All 3 domains/ }).waitFor();
  await page.getByRole("link", { name: DOMAIN }).click();
  await page.waitForURL(new RegExp(`/${DOMAIN}$`));
  assert.deepEqual(faults, []);
  await page.close();

  await plainly("/sites?sort=nonsense&order=up&q=%22%3E%3Cb", async (plain) => {
    await plain.getByText("No domain has a name like that.").waitFor();
    await plain.getByRole("searchbox", { name: "Search" }).fill("EMPTY");
    await plain.getByRole("button", { name: "Search" }).click();
    assert.deepEqual(await plain.locator("tbody tr:visible").getByRole("link").allInnerTexts(), [EMPTY]);
    await plain.getByText("Add a domain").first().click();
    await plain.getByRole("textbox", { name: "Domain" }).waitFor();
  });
});

test("a figure says how it came about, and programs get the same", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=24h`);
  // What the page is asked for since it was written goes with the link.
  await page.getByRole("link", { name: "Show only /page/1" }).click();
  await page.waitForURL(/f=is,page,\/page\/1/);
  await page.getByRole("link", { name: "How Pageviews came about" }).click();
  await page.waitForURL(/explain\/pageviews\?period=24h&f=is,page,\/page\/1/);
  await page.getByText("Pageviews in the range that pass.").waitFor();
  assert.equal(await page.locator(".kpi-figure").innerText(), "1");
  const fact = (name) => page.locator(".how-facts > div").filter({ has: page.getByText(name, { exact: true }) });
  assert.match(await fact("Counting").innerText(), /Exact/);
  assert.match(await fact("Fresh until").innerText(), /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  assert.match(await fact("Bots left out").innerText(), /\b1\b/);
  assert.match(await fact("Read").innerText(), /[1-9]\d* rows/);
  assert.match(await page.getByRole("region", { name: "What the store was asked" }).innerText(), /SELECT[^]*FROM events[^]*site_id = \{p\d+:UUID\}/);
  await page.getByRole("region", { name: "Parameters" }).getByText('["/page/1"]').waitFor();
  await looksRight(page, "how a figure came about");

  // The command is the same question.
  const command = await page.getByRole("region", { name: "The same question from a program" }).innerText();
  assert.match(command, new RegExp(`^curl ${product.base}/api/v2/query`));
  const answer = await ask(JSON.parse(/-d '([^]*)'\s*$/.exec(command)[1].replaceAll(`'\\''`, "'")));
  assert.deepEqual(answer.results, [{ metrics: [1], dimensions: [] }]);
  assert.ok(answer.meta.explain.sql);

  await page.getByRole("link", { name: "Bounce rate" }).click();
  await page.waitForURL(/explain\/bounce_rate\?period=24h&f=is/);
  assert.match(await fact("95 % confidence").innerText(), /\d–\d/);
  await page.getByRole("link", { name: "see what was not counted" }).click();
  await page.waitForURL(/drops\?period=24h&f=is/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("how a figure came about: nothing, odd addresses, no script, and somebody else", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${EMPTY}/explain/bounce_rate?period=custom&from=2027-01-01&to=2027-01-02`);
  await page.getByText("There is nothing in this period.").waitFor();
  await looksRight(page, "nothing came about");
  assert.deepEqual(faults, []);
  assert.equal((await page.goto(`${product.base}/${DOMAIN}/explain/revenue`)).status(), 404);
  await page.goto(`${product.base}/${DOMAIN}/explain/visits?f=matches,page,(`);
  await page.getByText(/not a regular expression/).waitFor();
  await page.close();
  await plainly(`/${DOMAIN}?period=24h`, async (plain) => {
    await plain.getByRole("link", { name: "How Visitors came about" }).click();
    await plain.waitForURL(/explain\/visitors\?period=24h/);
    assert.equal(await plain.locator(".kpi-figure").innerText(), "1");
    await plain.getByRole("link", { name: "Visits", exact: true }).click();
    await plain.waitForURL(/explain\/visits\?period=24h/);
  });
  await refused(`/${DOMAIN}/explain/visitors`);
});
