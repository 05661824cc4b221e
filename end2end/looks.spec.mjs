// Every page of end2end/product/pages.mjs in both themes, on a phone and on a desk: nothing is wrong, nothing sticks out, everybody can read it, also
// without script and on paper, and it comes back as it was. The pictures stay in target/test-screenshots, to be looked at.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { accessible, contrast, launch, open, settled, without } from "./product/browser.mjs";
import { FULL, PAGES } from "./product/pages.mjs";
import { startProduct } from "./product/server.mjs";
import { furnish, walk } from "./product/world.mjs";

const PICTURES = new URL("../target/test-screenshots/", import.meta.url).pathname;
/** What assistive technology finds on each page. `OUTLINES=update` writes it anew. */
const OUTLINES = new URL("outlines.yml", import.meta.url).pathname;

let product, browser;

before(async () => {
  await rm(PICTURES, { recursive: true, force: true });
  await mkdir(PICTURES, { recursive: true });
  product = await startProduct();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test("every page looks right, and reads without script", async () => {
  const outlines = [];
  await walk({ product, browser, options: { reducedMotion: "reduce", viewport: { width: 1440, height: 900 } } }, async (context, entry, address) => {
    const { page, faults } = await open(context);
    const answer = await page.goto(address);
    assert.equal(answer.status(), entry.status ?? 200, entry.name);
    await settled(page);
    await accessible(page, entry.name);
    outlines.push(`${entry.name}:\n${await outline(page)}`);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      if (colorScheme === "dark") await contrast(page, `${entry.name}, dark`);
      for (const [width, height] of [[768, 1024], [1440, 900], [390, 844]]) {
        await page.setViewportSize({ width, height });
        await settled(page);
        assert.ok(await fits(page), `${entry.name} at ${width} px sticks out to the side`);
        assert.ok(await labelled(page), `${entry.name} at ${width} px has rows without a label`);
        if (width === 768) continue;
        await page.screenshot({ path: `${PICTURES}${entry.name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      await page.setViewportSize({ width: 1440, height: 900 });
    }
    // A browser says of the document itself that it is answered with 404.
    assert.deepEqual(faults.filter((fault) => !(entry.status && fault.includes(String(entry.status)))), [], entry.name);
    await page.close();
    await without(await context.storageState(), browser, address, (plain) => readsPlainly(plain, entry));
  });
  const found = `${outlines.join("\n")}\n`;
  if (process.env.OUTLINES === "update") await writeFile(OUTLINES, found);
  assert.equal(found, await readFile(OUTLINES, "utf8"), "regions, headings, forms and tables are those of end2end/outlines.yml");
});

/** Regions, headings, forms and tables of a page, by role and name; what figures and days are in a name does not count. */
async function outline(page) {
  const lines = (await page.locator("body").ariaSnapshot()).split("\n");
  const kept = /^\s*- '?(banner|main|navigation|region|contentinfo|heading|form|search|searchbox|textbox|combobox|table|dialog|alert)\b/;
  const name = (text) => text.replace(/[.:].*"/, '"').replace(/\d[\d,]*/g, "0");
  const plain = (line) => line.replace(/'/g, "").replace(/"[^"]*"/, name).replace(/:( .*)?$/, "");
  return lines.filter((line) => kept.test(line)).map(plain).join("\n");
}

const fits = (page) =>
  page.waitForFunction(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth, undefined, { timeout: 2_000 }).then(() => true, () => false);

/** No row has lost its label to its figures. */
const labelled = (page) => page.evaluate(() => [...document.querySelectorAll(".row-text")].every((label) => {
  const text = label.querySelector(".middle, .row-filter") ?? label;
  return text.closest("[hidden]") || text.getBoundingClientRect().width > 4;
}));

/** Without script: a heading, something to read below it, and nothing that is only promised. */
async function readsPlainly(page, { name }) {
  assert.equal(await page.locator("h1").count(), 1, `${name}: one heading`);
  const text = await page.locator("main").innerText();
  assert.ok(text.length > 30, `${name}: something to read`);
  assert.equal(await page.locator(".busy, [aria-busy=true]").count(), 0, `${name}: nothing is still loading`);
  assert.doesNotMatch(text, /[Ll]oading|undefined|NaN|\{[a-z]+\}/, name);
  assert.equal(await page.locator("button[type=button]:visible, [data-open-palette]:visible").count(), 0, `${name}: no button that does nothing`);
}

test("pages come back as they were: back, forward, loaded again", async () => {
  const wanted = PAGES.filter(({ who, status }) => who === undefined && !status);
  /** What the address decides of what is shown. */
  const shown = (page) => page.evaluate(() => {
    const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
    return { address: location.href, chosen: texts("h1, .chips .chip, .tab[aria-current], .settings-section[aria-current], .bar-period summary, .funnel-name") };
  });
  product.owner ??= await furnish(product, browser);
  const context = await browser.newContext({ storageState: product.owner, reducedMotion: "reduce" });
  const { page, faults } = await open(context);
  const seen = [];
  for (const { path } of wanted) {
    await page.goto(product.base + path);
    await settled(page);
    const before = await shown(page);
    await page.reload();
    await settled(page);
    seen.push(await shown(page));
    assert.deepEqual(seen.at(-1), before, "loaded again");
  }
  const steps = [];
  for (let at = wanted.length - 2; at >= wanted.length - 12; at--) steps.push([at, () => page.goBack({ waitUntil: "commit" })]);
  for (let at = wanted.length - 11; at <= wanted.length - 1; at++) steps.push([at, () => page.goForward({ waitUntil: "commit" })]);
  for (const [at, step] of steps) {
    await step();
    // A page from the back/forward cache does not load again.
    for (let tries = 0; tries < 100 && page.url() !== seen[at].address; tries++) await page.waitForTimeout(50);
    await settled(page);
    assert.deepEqual(await shown(page), seen[at]);
  }
  assert.deepEqual(faults, []);
  await context.close();
});

test("the dashboard prints as a report", async () => {
  product.owner ??= await furnish(product, browser);
  const context = await browser.newContext({ storageState: product.owner, colorScheme: "dark", viewport: { width: 1440, height: 900 } });
  const { page, faults } = await open(context);
  const address = `${product.base}/${FULL}?period=7d&f=is,country,DE`;
  await page.goto(address);
  await settled(page);
  const file = (await page.pdf({ preferCSSPageSize: true, printBackground: true, path: `${PICTURES}dashboard.pdf` })).toString("latin1");
  assert.match(file, /\/MediaBox \[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]/, "A4");
  assert.match(file, /\/Count 2\b/, "two sheets");
  assert.equal(await page.evaluate(() => document.body.dataset.address), address, "where it is from");

  // As wide as the paper between its margins.
  await page.setViewportSize({ width: 703, height: 1000 });
  await page.emulateMedia({ media: "print" });
  for (const there of [".menu-domain", ".bar-period summary", ".chip", ".kpi-figure", ".chart-drawing svg", "#pages table", "#goals table"]) {
    assert.ok(await page.locator(there).first().isVisible(), there);
  }
  for (const gone of [".menu-layer", ".bar-menus", ".bar-account", ".pill", "#live", ".row-action", "main button", ".foot", ".chart-host"]) {
    assert.equal(await page.locator(gone).filter({ visible: true }).count(), 0, gone);
  }
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor), "oklch(1 0 0)", "light on paper");
  assert.ok(await fits(page));
  await page.screenshot({ path: `${PICTURES}print.png`, fullPage: true });
  assert.deepEqual(faults, []);
  await context.close();
});
