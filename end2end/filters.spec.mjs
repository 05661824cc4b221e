// Filters of the dashboard: changed in their place, alternatives, segments, comparisons, and all of it by keyboard and without script. Figures are
// those of the events that are made here.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, looksRight, open, without } from "./product/browser.mjs";
import { startProduct } from "./product/server.mjs";
import { makeOwner } from "./product/world.mjs";

const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const DOMAIN = "shop.example";
const OTHER = "other.example";
const DAY = "2026-03-11";
const STATE = `period=custom&from=${DAY}&to=${DAY}`;
/** Visitors of the day: how many, whence, and the page. */
const VISITS = [[5, "alpha", "/one"], [4, "beta", "/two"], [3, "", "/one"], [2, "", "/a,b"]];
/** Those of other days. */
const EARLIER = { "2026-03-10": 7, "2026-03-04": 4, "2026-03-01": 3, "2025-03-11": 2, "2025-01-01": 1 };
const count = (holds) => VISITS.reduce((sum, [people, source, page]) => sum + (holds(source, page) ? people : 0), 0);

let product, browser, context;

before(async () => {
  product = await startProduct();
  browser = await launch();
  context = await browser.newContext({ storageState: await makeOwner(product, browser), viewport: { width: 1440, height: 900 } });
  for (const domain of [DOMAIN, OTHER]) await product.run("site", "add", domain);

  let person = 0;
  const lines = [];
  const visit = (day, source, path) => {
    const url = `https://${DOMAIN}${path}${source && `?utm_source=${source}`}`;
    lines.push({ url, timestamp: `${day}T12:30:00Z`, ip: `192.0.2.${person++ % 250}`, userAgent: PERSON });
  };
  for (const [people, source, path] of VISITS) for (let n = 0; n < people; n++) visit(DAY, source, path);
  for (const [day, people] of Object.entries(EARLIER)) for (let n = 0; n < people; n++) visit(day, "", "/");
  const file = join(product.data, "events.ndjson");
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join("\n"));
  await product.run("import", file, "--domain", DOMAIN);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

const dashboard = (more = "") => `${product.base}/${DOMAIN}?${STATE}${more}`;
const shows = (page, visitors) =>
  page.waitForFunction((text) => document.querySelector(".kpi-figure")?.innerText === text, String(visitors));
const chip = (page, at = 0) => page.locator(".chip").nth(at);

test("a filter is changed where it stands, by keyboard", async () => {
  const { page, faults } = await open(context);
  await page.goto(dashboard("&f=is,source,alpha&f=is_not,page,/two"));
  await shows(page, count((source, path) => source === "alpha" && path !== "/two"));
  await page.locator(".pill").first().waitFor();
  await chip(page).locator("summary.chip-text").focus();
  await page.keyboard.press("Enter");
  const form = chip(page).locator("form").first();
  assert.equal(await form.getByRole("textbox", { name: "Value" }).inputValue(), "alpha");
  await looksRight(page, "a chip that is open");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type("is not");
  await page.keyboard.press("Tab");
  await page.locator("datalist option[value=beta]").waitFor({ state: "attached" });
  await page.keyboard.press("Enter");
  await page.waitForURL(dashboard("&f=is_not,source,alpha&f=is_not,page,/two"));
  await shows(page, count((source, path) => source !== "alpha" && path !== "/two"));

  // A second value, and one that holds what separates values in the address.
  await chip(page, 1).locator("summary.chip-text").click();
  const values = chip(page, 1).locator("form").first();
  await values.getByRole("combobox", { name: "How" }).selectOption("is");
  await values.getByRole("textbox", { name: "or", exact: true }).fill("/a,b");
  await values.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(dashboard("&f=is_not,source,alpha&f=is,page,/two,/a%5C,b"));
  await shows(page, count((source, path) => source !== "alpha" && ["/two", "/a,b"].includes(path)));
  await chip(page).locator("summary.chip-text").click();
  await page.getByRole("link", { name: "Source is not alpha: Change to “is”" }).click();
  await page.waitForURL(dashboard("&f=is,source,alpha&f=is,page,/two,/a%5C,b"));
  await page.keyboard.press("f");
  assert.equal(await page.evaluate(() => document.activeElement.name), "field", "the letter leads to the first input of the menu");
  await page.keyboard.press("Escape");
  await page.goBack();
  await page.waitForURL(/f=is_not,source,alpha/);
  assert.deepEqual(faults, []);
  await page.close();
});

test("alternatives widen what is looked at, on all pages", async () => {
  const { page, faults } = await open(context);
  const either = count((source, path) => source === "alpha" || path === "/one");
  await page.goto(dashboard("&f=is,source,alpha"));
  await shows(page, count((source) => source === "alpha"));
  await page.locator(".pill").first().waitFor();
  await chip(page).locator("summary.chip-text").click();
  await chip(page).getByText("or…").click();
  const form = chip(page).locator("form").last();
  assert.deepEqual(await form.locator("option[value=goal], option[value=hostname]").count(), 0, "these are no alternatives");
  await form.getByRole("combobox", { name: "What" }).selectOption("page");
  await form.getByRole("textbox", { name: "Value" }).fill("/one");
  await form.getByRole("button", { name: "Apply" }).click();
  const any = "&f=any,is,source,alpha,,is,page,/one";
  await page.waitForURL(dashboard(any));
  await shows(page, either);
  await page.getByRole("link", { name: "Remove the filter “Source is alpha or Page is /one”" }).waitFor();
  assert.match((await chip(page).locator("summary.chip-text").innerText()).replace(/\s+/g, " "), /Source is alpha or Page is \/one/);

  // A click on another part keeps it, and so does every page of the domain.
  await page.locator("#devices").getByRole("link", { name: "Systems" }).click();
  await page.waitForURL(/f=any,is,source,alpha,,is,page,\/one.*devices=os|devices=os.*f=any/);
  await page.getByRole("link", { name: "Show only /one" }).first().click();
  await page.waitForURL(/f=any,is,source,alpha,,is,page,\/one&f=is,page,\/one/);
  await shows(page, count((source, path) => path === "/one"));
  const csv = await page.request.get(`${product.base}/api/app/table.csv?domain=${DOMAIN}&by=source&${STATE}${any}`);
  const rows = (await csv.text()).trim().split("\n").slice(1).map((line) => line.split(",").slice(0, 2).join(" "));
  assert.deepEqual(rows.sort(), ["Direct / None 3", "alpha 5"]);
  const shown = async (path, text) => {
    await page.goto(`${product.base}/${DOMAIN}/${path}${path.includes("?") ? "&" : "?"}${STATE}${any}`);
    await page.locator("main").getByText(text).first().waitFor();
    await chip(page).waitFor();
  };
  await shown("by/page", "/one");
  await shown("explain/visitors", String(either));
  await shown("funnel?step=is,page,/one&step=is,page,/two", String(either));
  await shown("journeys", `${either} visits`);
  await shown("retention", String(either));
  await page.goto(`${product.base}/${DOMAIN}/why?${STATE}${any}&compare=custom&compare_from=${DAY}&compare_to=${DAY}`);
  await page.getByText(`: ${either} in each period`).waitFor();

  await page.goto(dashboard(any));
  await chip(page).locator("summary.chip-text").click();
  await page.getByRole("link", { name: "Remove the filter “Source is alpha”" }).click();
  await page.waitForURL(dashboard("&f=is,page,/one"));
  await shows(page, count((source, path) => path === "/one"));
  await page.goto(dashboard("&f=any,is,hostname,shop.example,,is,page,/one"));
  await page.getByText(/`event:hostname` can only be filtered at the top level/).first().waitFor();
  await page.goto(dashboard("&f=any,,&f=any&f=is,source"));
  await shows(page, count(() => true));
  await page.goto(dashboard("&f=any,is,source,alpha,,,,is,source,beta,,nonsense"));
  await shows(page, count((source) => source !== ""));
  await page.waitForURL(dashboard("&f=is,source,alpha,beta"));
  await page.locator(".pill").first().waitFor();
  await page.getByRole("link", { name: "Remove the filter “Source is alpha or beta”" }).click();
  await page.waitForURL(dashboard());
  assert.deepEqual(faults, []);
  await page.close();
});

test("filters are saved as a segment, applied, shown, renamed and removed", async () => {
  const { page, faults } = await open(context);
  await page.goto(dashboard("&f=any,is,source,alpha,,is,page,/one&f=is_not,page,/two"));
  await page.locator(".pill").first().waitFor();
  await page.getByTitle("Add a filter").click();
  await page.getByText("Save these filters as a segment").click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("<b>Alpha</b> & one");
  await page.getByRole("checkbox", { name: "Only for me" }).check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/f=is,segment,\d+$/);
  const saved = page.url();
  const id = saved.match(/\d+$/)[0];
  const all = count((source, path) => source === "alpha" || path === "/one");
  await shows(page, all);
  await page.goto(dashboard());
  await shows(page, count(() => true));
  await page.locator(".pill").first().waitFor();
  await page.getByTitle("Add a filter").click();
  await looksRight(page, "the menu with a segment");
  await page.getByRole("list", { name: "Segments" }).getByRole("link", { name: "<b>Alpha</b> & one yours" }).click();
  await page.waitForURL(saved);
  await shows(page, all);
  await page.reload();
  await shows(page, all);
  await page.goBack();
  await shows(page, count(() => true));
  await page.goForward();
  await page.waitForURL(saved);
  await chip(page).locator("summary.chip-text").click();
  await chip(page).getByText("Source is alpha or Page is /one").waitFor();
  await looksRight(page, "a segment that is open");
  await page.getByRole("link", { name: "Use its filters instead" }).click();
  await page.waitForURL(dashboard("&f=any,is,source,alpha,,is,page,/one&f=is_not,page,/two"));
  await shows(page, all);

  await page.goto(`${product.base}/${DOMAIN}/settings/segments`);
  await page.getByText("yours · Source is alpha or Page is /one and Page is not /two").waitFor();
  await page.getByRole("textbox", { name: "New name" }).fill(" ");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText("Name is empty.").waitFor();
  await page.getByRole("textbox", { name: "New name" }).fill("Alphas");
  await page.getByRole("button", { name: "Rename" }).click();
  await page.getByText("It is called “Alphas” now.").waitFor();
  await looksRight(page, "settings of segments");

  // That of another domain is as if there were none.
  const filter = '["is","visit:source",["alpha"]]';
  const other = (await product.run("segment", "add", "--domain", OTHER, "--name", "Elsewhere", "--filter", filter)).trim();
  const said = async (number) => {
    await page.goto(dashboard(`&f=is,segment,${number}`));
    const alert = page.getByRole("alert").first();
    await alert.waitFor();
    return alert.innerText();
  };
  assert.equal(await said(other), await said(999_999));
  assert.match(await said(other), /Some segments don't exist or aren't accessible/);
  assert.equal(await page.getByText("Elsewhere").count(), 0);
  await chip(page).locator("summary.chip-text").click();
  await chip(page).getByText(`There is no segment ${other}, or it is not yours.`).waitFor();

  await page.goto(`${product.base}/${DOMAIN}/settings/segments`);
  await page.getByRole("button", { name: "Remove “Alphas”" }).click();
  await page.getByText("Removed “Alphas”").waitFor();
  assert.match(await said(id), /Some segments don't exist/);
  await page.goto(`${product.base}/${DOMAIN}/settings/segments`);
  await page.getByText("No segments yet.").waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test("periods are compared as one chooses, by keyboard too", async () => {
  const { page, faults } = await open(context);
  const now = count(() => true);
  const changes = async (then, days) => {
    await page.locator(".kpi-change").first().getByText(`up ${Math.round((100 * (now - then)) / then)}%`).waitFor({ state: "attached" });
    await page.getByTitle("Compare", { exact: true }).click();
    await page.locator(".menu-layer [aria-current]").getByText(days).waitFor();
    await page.keyboard.press("Escape");
  };
  await page.goto(dashboard());
  await page.locator(".pill").first().waitFor();
  await changes(EARLIER["2026-03-10"], "10 Mar 2026");
  await page.getByTitle("Compare", { exact: true }).click();
  // Wider, it covers all but an edge of a figure, which is then too small to be hit.
  await page.setViewportSize({ width: 390, height: 844 });
  await looksRight(page, "the menu of comparisons");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole("link", { name: /^Previous period, same weekdays/ }).click();
  await page.waitForURL(dashboard("&compare=weekdays"));
  await changes(EARLIER["2026-03-04"], "4 Mar 2026");
  await page.getByTitle("Compare", { exact: true }).click();
  await page.getByRole("link", { name: /^Year before/ }).click();
  await page.waitForURL(/compare=year/);
  await changes(EARLIER["2025-03-11"], "11 Mar 2025");
  await page.getByTitle("Compare", { exact: true }).click();
  const dates = page.locator("form:has([name=compare_from])");
  await dates.getByLabel("From").fill("2026-03-01");
  await dates.getByLabel("To").fill("2026-03-01");
  await dates.getByLabel("To").press("Enter");
  await page.waitForURL(/compare=custom.*compare_from=2026-03-01&compare_to=2026-03-01/);
  await changes(EARLIER["2026-03-01"], "1 Mar 2026");
  await page.locator(".legend-then").getByText("1 Mar").waitFor();
  await page.locator("#pages .rows-change").first().waitFor();
  await page.locator(".pill").first().waitFor();
  await page.keyboard.press("x");
  await page.waitForURL(/compare=off/);
  await page.locator("#pages .rows-change").first().waitFor({ state: "detached" });
  await page.keyboard.press("x");
  await page.waitForURL((url) => !url.search.includes("compare"));
  await page.getByTitle("Compare", { exact: true }).getByText("vs previous").waitFor();
  await page.keyboard.press("c");
  assert.equal(await page.evaluate(() => document.activeElement.name), "from");
  await page.keyboard.type("03012026");
  // The sign of the calendar lies between the two.
  for (let n = 0; n < 5 && (await page.evaluate(() => document.activeElement.name)) !== "to"; n++) await page.keyboard.press("Tab");
  await page.keyboard.type("03102026");
  await page.keyboard.press("Enter");
  await page.waitForURL(/period=custom&from=2026-03-01&to=2026-03-10/);
  await shows(page, 14);
  await page.locator(".pill").first().waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Go to" }).getByText("Comparison off and on").waitFor();
  await page.keyboard.press("Escape");
  await page.goto(dashboard("&compare=custom&compare_from=2026-02-31&compare_to=x"));
  await changes(EARLIER["2026-03-10"], "10 Mar 2026");
  assert.deepEqual(faults, []);
  await page.close();
});

test("all of it works without script", async () => {
  const plainly = async (more, look) => without(await context.storageState(), browser, dashboard(more), look);
  await plainly("&f=is,source,alpha&f=is_not,page,/two", async (page) => {
    await shows(page, 5);
    await chip(page).locator("summary.chip-text").click();
    const form = chip(page).locator("form").first();
    await form.getByRole("textbox", { name: "or", exact: true }).fill("beta");
    await form.getByRole("button", { name: "Apply" }).click();
    await shows(page, 5);
    await page.getByRole("link", { name: "Remove the filter “Source is alpha or beta”" }).waitFor();
    await page.reload();
    await chip(page, 1).locator("summary.chip-text").click();
    await chip(page, 1).getByText("or…").click();
    const more = chip(page, 1).locator("form").last();
    await more.getByRole("textbox", { name: "Value" }).fill("/two");
    await more.getByRole("button", { name: "Apply" }).click();
    await shows(page, 9);
    assert.equal(await page.locator(".chip").count(), 2);
    await page.getByTitle("Add a filter").click();
    await page.getByText("Save these filters as a segment").click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Plain");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/f=is,segment,\d+$/);
    await shows(page, 9);
    await page.getByTitle("Compare", { exact: true }).click();
    await page.getByRole("link", { name: /^Year before/ }).click();
    await page.waitForURL(/compare=year.*f=is,segment/);
  });
  const forged = { csrf: "x", domain: DOMAIN, name: "x", view: "f=is,source,alpha" };
  const { page } = await open(context);
  const refused = await page.request.post(`${product.base}/api/app/save-segment`, { form: forged, headers: { origin: "https://evil.example" } });
  assert.match(await refused.text(), /StaleForm|out of date/);
  const asked = (query) => page.request.get(`${product.base}/api/app/values?${new URLSearchParams(query)}`);
  assert.equal((await page.request.get(`${product.base}/${DOMAIN}/by/segment`)).status(), 404);
  const odd = "&compare=custom&compare_from=0000-01-01&compare_to=9999-12-31";
  assert.equal((await page.request.get(dashboard(odd))).status(), 200);
  assert.match(await (await asked({ domain: DOMAIN, field: "source", view: STATE })).text(), /alpha.*beta/);
  for (const query of [{ domain: "not-mine.example", field: "source", view: "" }, { domain: DOMAIN, field: "visitor_id", view: "" }]) {
    assert.match(await (await asked(query)).text(), /NotFound/);
  }
  assert.match(await (await fetch(`${product.base}/api/app/values?domain=${DOMAIN}&field=source&view=`)).text(), /NotSignedIn/);
  await page.close();
});
