// Why a figure changed: a rise that one source made, with and without script, and noted on the chart; nothing to compare with, nothing at all,
// and somebody else's.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, looksRight, open, without } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const DOMAIN = "shop.example";
const EMPTY = "empty.example";
/** The day of the rise; the day before had half as many visitors. */
const DAY = "2026-03-11";
const STATE = `period=custom&from=${DAY}&to=${DAY}`;

let product, browser, context;

before(async () => {
  product = await startProduct();
  browser = await launch();
  context = await browser.newContext({ storageState: await makeOwner(product, browser), viewport: { width: 1440, height: 900 } });
  for (const domain of [DOMAIN, EMPTY]) await product.run("site", "add", domain);

  const lines = [];
  const visits = (day, from, to, source) => {
    for (let person = from; person < to; person++) {
      const timestamp = `${day}T${String(person % 24).padStart(2, "0")}:30:00Z`;
      const url = `https://${DOMAIN}/page${source ? `?utm_source=${source}` : ""}`;
      lines.push({ url, timestamp, ip: `192.0.2.${person}`, userAgent: PERSON });
    }
  };
  visits("2026-03-09", 0, 1);
  visits("2026-03-10", 0, 10);
  visits("2026-03-10", 10, 12, "search");
  visits(DAY, 0, 10);
  visits(DAY, 10, 24, "letter");
  const file = join(product.data, "events.ndjson");
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  await product.run("import", file, "--domain", DOMAIN);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

const plainly = async (path, look) => without(await context.storageState(), browser, product.base + path, look);

test("a rise that one source made is explained by it, and noted on the chart", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?${STATE}`);
  await page.getByRole("link", { name: "Why Visits changed: up 100%" }).waitFor();
  await page.getByRole("link", { name: "Why Visitors changed: up 100%" }).click();
  await page.getByRole("heading", { level: 1, name: "Why “Visitors” changed" }).waitFor();
  await page.getByText("Visitors rose from 12 to 24, +100%.").waitFor();
  await page.getByText("2026-03-11 00:00 to 2026-03-12 00:00, compared with 2026-03-10 00:00 to 2026-03-11 00:00, UTC").waitFor();
  const rows = page.locator("main tbody tr");
  const texts = (await rows.allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  // All of them were on the one page of the one host; what tells them apart is where they came from.
  assert.match(texts[0], /^Source letter 14 0 \+14 117% Note it$|^UTM source letter 14 0 \+14 117% Note it$/, texts.join("\n"));
  assert.equal(texts.filter((text) => /^(Source|UTM source) letter 14 0 \+14 117%/.test(text)).length, 2, texts.join("\n"));
  assert.equal(texts.filter((text) => /^(Source|UTM source) search 0 2 −2 −17%/.test(text)).length, 2, texts.join("\n"));
  assert.ok(!texts.some((text) => text.startsWith("Page /page")), "what all have in common explains nothing");
  assert.ok(!texts.some((text) => text.startsWith("Source Direct")), "those who came by themselves were as many as before");
  assert.ok(!texts.some((text) => text.includes("(not set)")), "what has no value is no segment");
  await looksRight(page, "why");

  await page.getByRole("navigation", { name: "Figures" }).getByRole("link", { name: "Pageviews" }).click();
  await page.getByText("Pageviews rose from 12 to 24, +100%.").waitFor();
  assert.match(page.url(), /why\?.*metric=pageviews/);
  await rows.filter({ hasText: /^\s*Source/ }).getByRole("link", { name: "Show only letter" }).click();
  await page.waitForURL(/shop\.example\?.*f=is,source,letter/);
  await page.locator(".strip").getByText("14", { exact: true }).first().waitFor();

  await page.goto(`${product.base}/${DOMAIN}/why?${STATE}&metric=pageviews`);
  await rows.filter({ hasText: /^\s*Source/ }).getByRole("button", { name: /^Note on 11 Mar: Source letter: Pageviews 0 → 14/ }).click();
  await page.getByText("Added “Source letter: Pageviews 0 → 14, 117% of the change”.").waitFor();
  await page.goto(`${product.base}/${DOMAIN}?period=custom&from=2026-03-08&to=2026-03-12`);
  const list = page.getByRole("list", { name: "Annotations" });
  await list.getByText("11 Mar").waitFor();
  await list.getByText("Source letter: Pageviews 0 → 14, 117% of the change").waitFor();
  assert.equal(await page.locator(".plot-mark").count(), 1);
  await page.locator(".chart-host svg").waitFor();
  const frame = await page.locator(".chart-host").boundingBox();
  // The fourth of five bars.
  await page.mouse.move(frame.x + 44 + (frame.width - 56) * 0.7, frame.y + 100);
  await page.locator(".tip-note").getByText("Source letter: Pageviews 0 → 14").waitFor();
  await page.mouse.move(0, 0);
  await page.getByText("Show as a table").click();
  await page.getByRole("row", { name: /Wed 11 Mar 2026.*Source letter: Pageviews/ }).waitFor();
  await looksRight(page, "a chart with a note");
  await page.goto(`${product.base}/${DOMAIN}?period=custom&from=2026-03-08&to=2026-03-10`);
  await page.locator(".chart-host svg").waitFor();
  assert.equal(await page.locator(".plot-mark").count() + (await list.count()), 0, "it is not of this period");
  assert.deepEqual(faults, []);
  await page.close();
});

test("nothing to compare with, nothing at all, and odd addresses", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}/why?${STATE}&compare=off`);
  await page.getByText("Nothing is compared").waitFor();
  await looksRight(page, "why, not compared");
  await page.getByRole("link", { name: "Compare with previous" }).click();
  await page.getByText("Visitors rose from 12 to 24").waitFor();
  await page.goto(`${product.base}/${DOMAIN}?${STATE}&compare=off`);
  assert.equal(await page.locator(".kpi-reason").count(), 0);

  await page.goto(`${product.base}/${DOMAIN}/why?period=all`);
  await page.getByText("All time has no earlier period.").waitFor();
  await page.goto(`${product.base}/${DOMAIN}/why?period=custom&from=2026-03-09&to=2026-03-09&metric=nonsense`);
  await page.getByText("Visitors rose from 0 to 1, no earlier data.").waitFor();
  await page.getByText("The earlier period begins before the first event.").waitFor();
  await page.goto(`${product.base}/${DOMAIN}/why?${STATE}&f=is,source,letter`);
  await page.getByText("Visitors rose from 0 to 14").waitFor();
  await page.goto(`${product.base}/${EMPTY}/why?period=7d`);
  await page.getByText("There is nothing in either period.").waitFor();
  await looksRight(page, "why, nothing");
  assert.deepEqual(faults, []);
  await page.close();
});

test("it reads, leads and notes without script", async () => {
  await plainly(`/${DOMAIN}?${STATE}&metric=visits`, async (page) => {
    await page.getByRole("link", { name: "Why Pageviews changed: up 100%" }).click();
    await page.getByText("Pageviews rose from 12 to 24").waitFor();
    await page.getByRole("navigation", { name: "Figures" }).getByRole("link", { name: "Visits" }).click();
    await page.getByText("Visits rose from 12 to 24").waitFor();
    await page.getByRole("button", { name: /^Note on 11 Mar: UTM source search/ }).click();
    await page.getByText("Added “UTM source search: Visits 2 → 0, −17% of the change”.").waitFor();
    await page.goto(`${product.base}/${DOMAIN}?${STATE}`);
    await page.getByRole("list", { name: "Annotations" }).getByText("UTM source search").waitFor();
    assert.ok((await page.locator(".plot-mark").count()) >= 1);
  });
});

test("somebody else's domain is none", async () => {
  const password = (await product.run("user", "add", "stranger@example.org")).trim();
  const stranger = await browser.newContext();
  const page = await stranger.newPage();
  await page.goto(`${product.base}/${DOMAIN}/why`);
  await page.waitForURL(/\/login/);
  await page.getByRole("textbox", { name: "E-mail" }).fill("stranger@example.org");
  await page.locator("input[name=password]").fill(password);
  await page.locator("main").getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${product.base}/${DOMAIN}/why`);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();
  const get = (path) => stranger.request.get(product.base + path);
  const [theirs, nobodys] = await Promise.all([get(`/${DOMAIN}/why`), get("/unknown.example/why")]);
  assert.deepEqual([theirs.status(), nobodys.status()], [404, 404]);
  const asked = `/api/app/why?${new URLSearchParams({ domain: DOMAIN, view: STATE })}`;
  assert.match(await (await get(asked)).text(), /NotFound/);
  assert.match(await (await fetch(product.base + asked)).text(), /NotSignedIn/);
  await stranger.close();
});
