// A breakdown of more than fifty thousand rows: its first and last page, a search, another order, and all of it as a file, while the server's memory
// stays as it is.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createReadStream, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch, open, settled } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const DOMAIN = "large.example";
/** The last page of a hundred has one row. */
const PAGES = 50_001;
/** What the answers may take of memory in a debug build at once, in MB: the file alone has 3 MB, and is made of pieces. */
const MEMORY = 96;

let product, browser, context;

/** Each page has been looked at once by a visitor of its own, every five hundredth three times. One is odd in a file. */
const path = (n) => (n === 7 ? "/=1+1,\"quoted\"" : `/product/${String(n).padStart(5, "0")}`);
const views = (n) => (n % 500 === 0 ? 3 : 1);

before(async () => {
  product = await startProduct();
  browser = await launch();
  context = await browser.newContext({ storageState: await makeOwner(product, browser) });
  await product.run("site", "add", DOMAIN);
  const file = join(product.data, "..", "events.ndjson");
  const day = Date.now() - 2 * 86_400_000;
  const lines = [];
  for (let n = 0; n < PAGES; n++) {
    for (let view = 0; view < views(n); view++) {
      const timestamp = new Date(day + n + view).toISOString();
      lines.push(JSON.stringify({ path: path(n), timestamp, ip: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" }));
    }
  }
  await writeFile(file, lines.join("\n"));
  await product.run("import", "--format", "ndjson", file, "--domain", DOMAIN);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

const labels = (page) => page.locator("tbody .middle").allTextContents();
const total = (n) => n.toLocaleString("en");

test("all rows are found, sorted and paged through", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=7d`);
  await page.getByRole("link", { name: new RegExp(`Show all ${total(PAGES)}`) }).click();
  await page.getByText(`1–100 of ${total(PAGES)}`).waitFor();
  await settled(page);
  assert.equal((await labels(page)).length, 100);

  await page.getByRole("link", { name: "Pageviews", exact: true }).click();
  await page.waitForURL(/sort=-pageviews/);
  const most = page.locator("tbody tr");
  for (const row of [most.first(), most.last()]) assert.match(await row.innerText(), /\t3\t/);
  await page.getByRole("link", { name: "Pageviews", exact: true }).click();
  await page.waitForURL(/sort=pageviews/);
  assert.match(await most.first().innerText(), /\t1\t/);

  await page.getByRole("link", { name: "Page", exact: true }).click();
  await page.waitForURL(/sort=label/);
  assert.deepEqual((await labels(page)).slice(0, 2), [path(7), path(0)]);
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText(`101–200 of ${total(PAGES)}`).waitFor();
  assert.equal((await labels(page))[0], path(100), "one of the first hundred stands before all others");

  await page.goto(`${product.base}/${DOMAIN}/by/page?period=7d&sort=label&page=${Math.ceil(PAGES / 100)}`);
  await page.getByText(`${total(PAGES)}–${total(PAGES)} of ${total(PAGES)}`).waitFor();
  assert.deepEqual(await labels(page), [path(PAGES - 1)]);
  assert.equal(await page.getByRole("link", { name: "Next" }).count(), 0);

  await page.getByRole("searchbox").fill("PRODUCT/4199");
  await page.getByRole("searchbox").press("Enter");
  await page.getByText("1–10 of 10").waitFor();
  assert.deepEqual(await labels(page), Array.from({ length: 10 }, (_, n) => path(41_990 + n)));
  await page.getByRole("link", { name: `Show only ${path(41_995)}` }).click();
  await page.waitForURL(/f=is,page,\/product\/41995/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("the file has each row once, and is made within little memory", async () => {
  const { page } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}/by/page?period=7d&sort=-pageviews`);
  await settled(page);
  // The highest that memory has been is counted from here on.
  writeFileSync(`/proc/${product.pid}/clear_refs`, "5");
  const before = memory("VmRSS");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download CSV" }).click()]);
  const name = await file.path();
  const grown = memory("VmHWM") - before;
  assert.ok(grown < MEMORY, `the server took ${grown.toFixed(0)} MB more`);

  const seen = new Map();
  let head;
  for await (const line of createInterface({ input: createReadStream(name) })) {
    if (head === undefined) {
      head = line.split(",");
      continue;
    }
    const [, label, rest] = line.match(/^("(?:[^"]|"")*"|[^,]*),(.*)$/);
    seen.set(label.replace(/^"|"$/g, "").replaceAll('""', '"'), Number(rest.split(",")[head.indexOf("pageviews") - 1]));
  }
  assert.equal(seen.size, PAGES);
  for (let n = 0; n < PAGES; n++) assert.equal(seen.get(path(n)), views(n), path(n));
  const counted = [...seen.values()];
  assert.deepEqual(counted, counted.toSorted((one, other) => other - one), "in the order of the page");
  await page.close();
});

const memory = (what) => Number(readFileSync(`/proc/${product.pid}/status`, "utf8").match(new RegExp(`${what}:\\s+(\\d+) kB`))[1]) / 1_024;
