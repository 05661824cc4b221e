// Domains that are renamed, cleared, deleted, restored and looked at together, by what a person sees and does; without script, and by another user.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { startProduct } from "./product/server.mjs";

const PASSWORD = "correct horse battery staple";

let product, browser, context, page;
const faults = [];

const go = (path, of = page) => of.goto(product.base + path);
const status = (of = page) => of.getByRole("status").filter({ visible: true }).first().innerText();
const press = (name, of = page) => of.getByRole("button", { name, exact: typeof name === "string" }).click();
const names = (of = page) => of.locator(".sites tbody tr:not([hidden]) .name a").allInnerTexts();

async function signedIn(email, options = {}) {
  const own = await browser.newContext(options);
  const form = await own.newPage();
  await form.goto(`${product.base}/login`);
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel("Password").fill(PASSWORD);
  await form.getByRole("button", { name: "Sign in" }).click();
  await form.waitForURL((address) => address.pathname !== "/login");
  await form.close();
  return own;
}

/** Nothing of a page is wrong. */
async function accessible(what) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).setLegacyMode().analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`), [], what);
}

/** The figures of a strip, by name. */
const strip = (of = page) => of.locator(".strip .kpi").evaluateAll((items) =>
  Object.fromEntries(items.map((item) => [item.querySelector(".kpi-name").innerText, item.querySelector(".kpi-figure").innerText])));

before(async () => {
  product = await startProduct();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const setup = await context.newPage();
  await setup.goto(product.setup);
  await setup.getByLabel("E-mail").fill("owner@example.org");
  await setup.getByLabel("Password").fill(PASSWORD);
  await setup.getByRole("button", { name: "Create owner" }).click();
  await setup.getByLabel("Domain").waitFor();
  await setup.close();
  for (const domain of ["a.example", "b.example", "empty.example"]) await product.run("site", "add", domain);
  await product.run("seed", "--domain", "a.example", "--days", "20", "--events", "3000", "--seed", "7");
  await product.run("seed", "--domain", "b.example", "--days", "20", "--events", "1000", "--seed", "8");
  page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !/404/.test(message.text()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test("chosen domains are shown as one, with the sums of each", async () => {
  // Days that are over: those of today still come.
  const [from, to] = [18, 1].map((days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10));
  const period = `period=custom&from=${from}&to=${to}`;
  await go("/sites");
  assert.equal(await page.getByRole("button", { name: "Show the chosen ones as one" }).isVisible(), false, "nothing is chosen");
  for (const domain of ["a.example", "b.example"]) await page.getByRole("checkbox", { name: `Choose ${domain}` }).check();
  await accessible("the list with boxes");
  await press("Show the chosen ones as one");
  await page.waitForURL(/sites\/together\?d=a\.example&d=b\.example$/);
  await go(`/sites/together?d=a.example&d=b.example&${period}`);
  const both = await strip();
  const alone = {};
  for (const domain of ["a.example", "b.example"]) {
    await go(`/${domain}?${period}`);
    alone[domain] = await strip();
  }
  await go(`/sites/together?d=a.example&d=b.example&${period}`);
  const number = (text) => Number(text.replaceAll(",", ""));
  for (const figure of ["Visitors", "Visits", "Pageviews"]) {
    assert.equal(number(both[figure]), number(alone["a.example"][figure]) + number(alone["b.example"][figure]), figure);
  }
  const [low, high] = ["a.example", "b.example"].map((domain) => Number.parseInt(alone[domain]["Bounce rate"], 10)).sort((one, other) => one - other);
  const rate = Number.parseInt(both["Bounce rate"], 10);
  assert.ok(low <= rate && rate <= high, `${rate} of ${low} and ${high}`);
  const shares = await page.locator(".sheet-table tbody tr").evaluateAll((rows) => rows.map((row) => Number.parseFloat(row.cells[2].innerText)));
  assert.ok(Math.abs(shares[0] + shares[1] - 100) < 0.2 && shares[0] > shares[1], String(shares));
  await page.getByText("Visitors are added up").waitFor();
  await page.getByRole("link", { name: /Pageviews/ }).click();
  await page.waitForURL(/metric=pageviews&d=a\.example&d=b\.example/);
  assert.match(await page.locator(".legend-now").innerText(), /Pageviews/);
  await accessible("domains together");

  // Foreign and unknown names are the same, and none; all of it without script.
  const own = await signedIn("owner@example.org", { javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  const plain = await own.newPage();
  await go("/sites/together?d=b.example&d=unknown.example&period=7d", plain);
  await plain.getByRole("heading", { name: "Several domains as one" }).waitFor();
  await go("/sites/together?d=%22%3E%3Cscript%3E", plain);
  await plain.getByText("No domain is chosen").waitFor();
  assert.equal(await plain.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "nothing is wider than the screen");
  await own.close();
});

test("the figures of a table say how they came about", async () => {
  await go("/a.example?period=30d&f=is,device,Desktop");
  await page.getByRole("link", { name: "How Visitors · Pages came about" }).click();
  await page.waitForURL(/explain\/visitors\?period=30d&by=page&f=is,device,Desktop/);
  const asked = page.getByRole("region", { name: "What the store was asked" });
  assert.match(await asked.innerText(), /SELECT[^]*path/);
  const first = page.locator(".explained tbody tr").first();
  const explained = await first.innerText();
  await page.getByText("Device is Desktop").waitFor();
  assert.match(await page.locator(".how-facts").innerText(), /Fresh until\s+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\s/);
  await accessible("an explained table");
  await page.getByRole("link", { name: "Time on page" }).click();
  await page.getByRole("heading", { name: "How “Time on page · Pages” came about" }).waitFor();
  await go("/a.example/by/page?period=30d&f=is,device,Desktop");
  const shown = await page.locator(".rows-detail tbody tr").first().innerText();
  const [path, visitors] = explained.split(/\s+/);
  assert.ok(shown.includes(path) && shown.includes(visitors), `${explained} and ${shown}`);
  await page.getByRole("link", { name: "How Scroll depth · Pages came about" }).click();
  await page.getByRole("heading", { name: "How “Scroll depth · Pages” came about" }).waitFor();
  for (const wrong of ["exit_rate?by=page", "visitors?by=nonsense", "events", "visitors?by=props"]) {
    assert.equal((await go(`/a.example/explain/${wrong}`)).status(), 404, wrong);
  }
});

test("a domain is renamed, and back", async () => {
  await go("/b.example/settings/general");
  const name = () => page.getByLabel("Domain", { exact: true });
  for (const [wrong, said] of [["a.example", /already measured here/], ["not a name", /./]]) {
    await name().fill(wrong);
    await press("Rename");
    await page.getByRole("alert").filter({ hasText: said }).first().waitFor();
    assert.equal(await name().inputValue(), wrong);
  }
  await name().fill("new.example");
  await press("Rename");
  await page.waitForURL("**/new.example/settings/general*");
  assert.equal(await status(), "The domain is new.example now.");
  await page.getByText(/Events sent as b\.example count until \d{4}/).waitFor();
  await accessible("general settings");
  assert.equal((await go("/b.example")).status(), 404);
  await go("/new.example?period=30d");
  assert.notEqual((await strip()).Visitors, "0", "its history came along");
  await go("/new.example/settings/general");
  await name().fill("b.example");
  await press("Rename");
  await page.waitForURL("**/b.example/settings/general*");
});

test("a deleted domain waits to be restored, and is whole then", async () => {
  await go("/a.example?period=30d");
  const before = await strip();
  await go("/a.example/settings/danger");
  await accessible("the danger zone");
  const zone = page.locator("section.danger").filter({ hasText: "Delete a.example" });
  await zone.getByLabel("Type the name of the domain").fill("b.example");
  await press("Delete a.example", zone);
  await page.getByRole("alert").filter({ hasText: "is not the name of this domain" }).waitFor();
  await zone.getByLabel("Type the name of the domain").fill("a.example");
  await press("Delete a.example", zone);
  await page.waitForURL("**/sites*");
  assert.match(await status(), /a\.example is deleted/);
  assert.deepEqual(await names(), ["b.example", "empty.example"]);
  await page.getByText(/Goes for good on \d{4}-\d{2}-\d{2}/).waitFor();
  await accessible("the list with a deleted domain");
  assert.equal((await go("/a.example")).status(), 404);
  await go("/sites");
  await page.locator("details.add summary").click();
  await page.locator("details.add").getByLabel("Domain").fill("a.example");
  await page.locator("details.add form button").click();
  await page.getByText(/was deleted and is kept until/).waitFor();
  await go("/sites");
  await press("Restore a.example");
  assert.match(await status(), /a\.example is back as it was/);
  await go("/a.example?period=30d");
  assert.deepEqual(await strip(), before);
});

test("deleted for good is confirmed by the name", async () => {
  await go("/empty.example/settings/danger");
  const zone = page.locator("section.danger").filter({ hasText: "Delete empty.example" });
  await zone.getByLabel("Type the name of the domain").fill("empty.example");
  await press("Delete empty.example", zone);
  await page.waitForURL("**/sites*");
  await page.getByText("Delete for good now").click();
  await page.getByLabel("Type the name of the domain").fill("other.example");
  await press("Delete empty.example for good");
  await page.getByRole("alert").filter({ hasText: "is not the name of this domain" }).waitFor();
  await page.getByLabel("Type the name of the domain").fill("empty.example");
  await press("Delete empty.example for good");
  assert.match(await status(), /empty\.example is deleted for good/);
  assert.equal(await page.getByText("Deleted domains").count(), 0);
});

test("the data goes and the domain stays", async () => {
  await go("/b.example/settings/danger");
  const zone = page.locator("section.danger").filter({ hasText: "Remove all data" });
  await zone.getByLabel("Type the name of the domain").fill("x");
  await press("Remove all data", zone);
  await page.getByRole("alert").filter({ hasText: "is not the name of this domain" }).waitFor();
  assert.equal(await page.locator("section.danger").filter({ hasText: "Delete b.example" }).getByLabel("Type the name of the domain").inputValue(), "");
  await zone.getByLabel("Type the name of the domain").fill("b.example");
  await press("Remove all data", zone);
  assert.match(await status(), /All data that had arrived/);
  await go("/b.example?period=all");
  await page.getByText("No visits yet").waitFor();
  assert.deepEqual(faults, []);
});
