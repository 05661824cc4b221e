// Shared links in a real browser: made in the settings, opened by somebody who is signed out, in a frame on another site's page, with a
// password, and removed while somebody looks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, launch, looksRight, open, without } from "./product/browser.mjs";
import { startProduct, startSite } from "./product/server.mjs";

const PASSWORD = "correct horse battery staple";
const DOMAIN = "shop.example";
const SOON = { timeout: 15_000 };

let product, browser, owner, settings, address;

const row = (name, of = settings.page) => of.getByRole("list", { name: "Shared links" }).getByRole("listitem").filter({ hasText: name });

/** Makes a link in the settings and answers its address. */
async function made(name, fill = async () => {}) {
  const { page } = settings;
  await page.goto(`${product.base}/${DOMAIN}/settings/sharing`);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await fill(page);
  await page.getByRole("button", { name: "Create link" }).click();
  await page.getByRole("status").filter({ hasText: `Added “${name}”.` }).waitFor();
  return (await row(name).locator("code").first().innerText()).trim();
}

async function removed(name) {
  await settings.page.goto(`${product.base}/${DOMAIN}/settings/sharing`);
  await row(name).getByLabel(`Remove “${name}”`).click();
  await row(name).getByRole("button", { name: "Remove the link" }).click();
  await settings.page.getByRole("status").filter({ hasText: `Removed “${name}”.` }).waitFor();
}

async function visit(path, visitor) {
  const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "x-forwarded-for": `10.0.0.${visitor}` };
  const answer = await fetch(`${product.base}/api/events`, { method: "POST", headers, body: JSON.stringify({ domain: DOMAIN, path }) });
  assert.equal(answer.status, 202);
}

/** The row that filters. */
const blog = (of) => of.getByRole("link", { name: "Show only /blog" });

/** A page of somebody who has nothing. */
const stranger = async (options = {}) => open(await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options }));

before(async () => {
  product = await startProduct();
  browser = await launch();
  owner = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  settings = await open(owner);
  const { page } = settings;
  await page.goto(product.setup);
  await page.getByLabel("E-mail").fill("owner@example.org");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create owner" }).click();
  await page.getByLabel("Domain").waitFor();
  await product.run("site", "add", DOMAIN);
  await product.run("segment", "add", "--domain", DOMAIN, "--name", "Blog", "--filter", '["is","event:page",["/blog"]]');
  await visit("/", 1);
  await visit("/blog", 2);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test("a link is made in the settings, with what is wrong at its field", async () => {
  const { page } = settings;
  await page.goto(`${product.base}/${DOMAIN}/settings/sharing`);
  await page.getByText("No shared links yet").waitFor();
  await looksRight(page, "sharing, empty");
  await page.getByLabel("Name", { exact: true }).fill("Short");
  await page.getByLabel("Password (optional)").fill("short");
  await page.getByRole("button", { name: "Create link" }).click();
  await page.getByRole("alert").filter({ hasText: "10 to 200 characters" }).waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Short");
  assert.equal(await page.getByLabel("Password (optional)").inputValue(), "", "a password does not come back");
  address = await made("Client");
  assert.match(address, new RegExp(`^${product.base}/share/[\\w-]{22}$`));
  await row("Client").getByText("Frame and badge").click();
  assert.match(await row("Client").innerText(), /<iframe src=".*\?embed=true[^]*badge\.svg/);
  await looksRight(page, "sharing, with a link");
});

test("who has it looks, filters and sees what happens, and nothing else", async () => {
  const { page, faults } = await stranger();
  await page.goto(address);
  await blog(page).waitFor(SOON);
  assert.match(page.url(), /\/~[\w-]{22}$/);
  assert.equal(await page.title(), DOMAIN);
  assert.deepEqual((await page.context().cookies()).map(({ name }) => name), []);
  await accessible(page, "a shared dashboard");
  await blog(page).click();
  await page.waitForURL(/f=is,page,\/blog/);
  await page.waitForFunction(() => !document.querySelector('#pages [title="/"]'), undefined, SOON);
  // Rows of a panel that is in use do not change: that of the pages is.
  await visit("/blog", 3);
  await page.waitForFunction(() => document.querySelector(".pill")?.textContent.includes("3 now"), undefined, SOON);
  await page.waitForFunction(() => document.querySelector("#sources tbody td")?.textContent === "2", undefined, SOON);
  await page.reload();
  await page.getByText("/blog").first().waitFor();
  assert.equal(await page.locator('a[href*="/settings"], a[href*="/drops"], form[action*="signout"]').count(), 0);
  await page.goto(page.url().replace("?", "/by/page?"));
  await page.getByRole("heading", { name: new RegExp(DOMAIN) }).waitFor();
  await looksRight(page, "a shared breakdown");
  assert.deepEqual(faults, []);
  await page.context().close();
});

test("without script it is there as well", async () => {
  await without(undefined, browser, address, async (page) => {
    await blog(page).click();
    await page.waitForURL(/f=is,page,\/blog/);
    assert.equal(await page.locator("#pages tbody tr").count(), 1);
  });
});

test("another site's page shows it in a frame, without cookies", async (t) => {
  const dashboard = `${address}?embed=true&theme=dark`;
  const html = (source) => `<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,"><iframe src="${source}" title="Visitors" style="width:1200px;height:900px"></iframe>`;
  const site = await startSite({ "/": html(dashboard), "/plain": html(address), "/login": html(`${product.base}/login`) });
  t.after(() => site.close());
  const { page, faults } = await stranger();
  await page.goto(`http://elsewhere.example:${site.port}/`);
  const frame = page.frameLocator("iframe");
  await blog(frame).click(SOON);
  await frame.getByRole("link", { name: "Footfall" }).waitFor();
  await frame.locator("#pages tbody tr").nth(0).waitFor();
  const inside = page.frames().find((one) => one.url().includes("~"));
  await inside.waitForURL(/\.embed\.dark\?f=is,page,\/blog/);
  assert.equal(await inside.evaluate(() => document.documentElement.dataset.theme), "dark");
  assert.equal(await frame.locator(".foot").isVisible(), false);
  const before = Number(await inside.locator("#sources tbody td").first().innerText());
  await visit("/blog", 4);
  await inside.waitForFunction((count) => document.querySelector("#sources tbody td")?.textContent === String(count), before + 1, SOON);
  assert.deepEqual(faults, []);
  assert.deepEqual(await page.context().cookies(), []);
  for (const path of ["plain", "login"]) {
    await page.goto(`http://elsewhere.example:${site.port}/${path}`);
    assert.equal(page.frames()[1].url(), "chrome-error://chromewebdata/", `${path} is shown in a frame`);
  }
  await page.context().close();
});

test("a password is asked for first", async () => {
  const guarded = await made("Guarded", (page) => page.getByLabel("Password (optional)").fill(PASSWORD));
  assert.match(await row("Guarded").innerText(), /with password/);
  const { page, faults } = await stranger();
  await page.goto(`${guarded}?theme=light`);
  await looksRight(page, "the password of a link");
  await page.getByLabel("Password").fill("wrong horse battery");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("alert").filter({ hasText: "not the password" }).waitFor();
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await blog(page).waitFor(SOON);
  assert.match(page.url(), /\/~[\w-]{22}\.light$/);
  assert.deepEqual(faults, []);
  await page.context().close();
});

test("a segment leaves out the rest, and says so", async () => {
  const limited = await made("Agency", (page) => page.getByLabel("Shows").selectOption("Blog"));
  const { page, faults } = await stranger();
  await page.goto(limited);
  await page.getByText("Live figures are left out").waitFor();
  await page.locator("#pages tbody tr").first().waitFor();
  assert.equal(await page.locator("#pages tbody tr").count(), 1);
  assert.equal(await page.locator(".pill").isVisible(), false);
  assert.equal(await page.locator("#live").isVisible(), false);
  await accessible(page, "a dashboard of a segment");
  assert.deepEqual(faults, []);
  await page.context().close();
});

test("a link that is removed is shut at once, also for who looks", async () => {
  const { page } = await stranger();
  await page.goto(address);
  await blog(page).waitFor(SOON);
  await removed("Client");
  await page.locator(".pill-away").waitFor(SOON);
  await page.reload();
  assert.equal((await page.goto(address)).status(), 404);
  await page.getByRole("heading", { name: "Nothing here" }).waitFor();
  await page.context().close();
});
