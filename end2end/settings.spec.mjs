// The settings of a domain in a real browser: each section by what a person sees and does, wrong input, undo, the keyboard alone, both themes, no
// JavaScript, and another user's domain.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import { startProduct } from "./product/server.mjs";

const PASSWORD = "correct horse battery staple";
const DOMAIN = "shop.example";

let product, browser, context, page;
const faults = [];

const open = (section, of = page) => of.goto(`${product.base}/${DOMAIN}/settings/${section}`);
const status = (of = page) => of.getByRole("status").innerText();
const alert = (text, of = page) => of.getByRole("alert").filter({ hasText: text }).waitFor();
const press = (name, of = page) => of.getByRole("button", { name, exact: typeof name === "string" }).click();
const rows = (name, of = page) => of.getByRole("list", { name, exact: true }).getByRole("listitem").allInnerTexts();

/** Nothing of a page is wrong, in both themes. Between them only colours differ. */
async function accessible(what) {
  await page.emulateMedia({ reducedMotion: "reduce" });
  const look = async (axe, theme) => {
    const { violations } = await axe.setLegacyMode().analyze();
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`), [], `${what}, ${theme}`);
  };
  await look(new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]), "light");
  await page.emulateMedia({ colorScheme: "dark" });
  await look(new AxeBuilder({ page }).withRules(["color-contrast"]), "dark");
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "no-preference" });
}

/** Signs a person in. */
async function signedIn(email, password) {
  const own = await browser.newContext();
  const form = await own.newPage();
  await form.goto(`${product.base}/login`);
  await form.getByLabel("E-mail").fill(email);
  await form.getByLabel("Password").fill(password);
  await form.getByRole("button", { name: "Sign in" }).click();
  await form.waitForURL((address) => address.pathname !== "/login");
  await form.close();
  return own;
}

before(async () => {
  product = await startProduct();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const setup = await context.newPage();
  await setup.goto(product.setup);
  await setup.getByLabel("E-mail").fill("owner@example.org");
  await setup.getByLabel("Password").fill(PASSWORD);
  await setup.getByRole("button", { name: "Create owner" }).click();
  await setup.getByLabel("Domain").waitFor();
  await setup.close();
  for (const domain of [DOMAIN, "gone.example"]) await product.run("site", "add", domain, "--timezone", "Europe/Berlin");
  page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test("the dashboard leads here, and here leads back", async () => {
  await page.goto(`${product.base}/${DOMAIN}`);
  await page.getByTitle("Switch domain").click();
  await page.getByRole("link", { name: "Settings of this domain" }).click();
  await page.waitForURL(`**/${DOMAIN}/settings/general`);
  await page.getByRole("heading", { name: "General" }).waitFor();
  await page.goto(`${product.base}/${DOMAIN}/settings`);
  assert.match(page.url(), /settings\/general$/);
  assert.equal(await page.getByRole("link", { name: `Back to the dashboard of ${DOMAIN}` }).getAttribute("href"), `/${DOMAIN}`);
});

test("the time zone changes and changes back", async () => {
  await open("general");
  assert.match(await page.locator("dl").innerText(), /shop\.example[^]*\d{4}-\d{2}-\d{2}[^]*[0-9a-f-]{36}/);
  await page.getByLabel("Time zone").selectOption("Asia/Tokyo");
  await press("Save");
  assert.equal(await status(), "The time zone is Asia/Tokyo now.");
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Asia/Tokyo");
  assert.doesNotMatch(page.url(), /said/, "it is said once");
  await press("Back to Europe/Berlin");
  assert.equal(await page.getByLabel("Time zone").inputValue(), "Europe/Berlin");
});

test("the snippet is there for each platform", async () => {
  await open("snippet");
  const shown = page.getByRole("region", { name: "The line to paste" });
  const tabs = page.getByRole("navigation", { name: "What your pages are made with" }).getByRole("link");
  for (const name of await tabs.allInnerTexts()) {
    await tabs.filter({ hasText: new RegExp(`^${name}$`) }).click();
    await page.locator("[aria-current=page]", { hasText: new RegExp(`^${name}$`) }).waitFor();
    const code = await shown.innerText();
    assert.ok(code.includes(DOMAIN) && code.includes(`${product.base}/tracker.js`), code);
  }
  assert.match(page.url(), /for=gtm$/);
  await page.getByText("Waiting for the first event").waitFor();
  await product.run("seed", "--domain", DOMAIN, "--days", "1", "--events", "10", "--seed", "7");
  await page.reload();
  await page.getByText("It works", { exact: true }).waitFor();
});

test("goals of each kind: wrong ones are refused, and what is removed comes back", async () => {
  await open("goals");
  await page.getByText("No goals yet.").waitFor();
  await press("Add goal");
  await alert(/^Event is missing/);
  await page.getByLabel("Event", { exact: true }).fill("Purchase");
  await page.getByText("Name, property, revenue").click();
  await page.getByLabel("Property").fill("plan");
  await page.getByLabel("Value").fill("pro");
  await page.getByLabel("Currency").fill("euro");
  await press("Add goal");
  await alert("Currency `euro` is no three-letter code; write for example EUR.");
  for (const [label, typed] of [["Event", "Purchase"], ["Property", "plan"], ["Value", "pro"], ["Currency", "euro"]]) {
    assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), typed, "what was typed stays");
  }
  await accessible("a goal with a fault");
  await page.getByLabel("Currency").fill("eur");
  await press("Add goal");
  assert.equal(await status(), "Added “Purchase”.");
  assert.match((await rows("Goals"))[0], /Event Purchase · plan is pro · revenue in EUR/);

  assert.equal(await page.getByLabel("Scroll depth").isVisible(), false, "an event has no depth");
  await page.getByLabel("Scrolling a page").check();
  await page.getByLabel("Page", { exact: true }).fill("/blog/*");
  await page.getByLabel("Scroll depth").fill("deep");
  await press("Add goal");
  await alert("`deep` is no scroll depth; write a percentage from 1 to 100.");
  await page.getByLabel("Scroll depth").fill("75%");
  await press("Add goal");
  assert.equal(await status(), "Added “Scroll 75% on /blog/*”.");
  await page.getByLabel("A visit of a page").check();
  await page.getByLabel("Page", { exact: true }).fill("/thanks");
  await press("Add goal");
  await page.getByLabel("A visit of a page").check();
  await page.getByLabel("Page", { exact: true }).fill("/thanks");
  await press("Add goal");
  await alert(/goal of this name/);

  await press("Remove “Purchase”");
  assert.equal(await status(), "Removed “Purchase”.");
  assert.equal((await rows("Goals")).length, 2);
  await accessible("a goal is removed");
  await press("Add it again");
  assert.match((await rows("Goals"))[2], /Event Purchase · plan is pro · revenue in EUR/);
});

test("properties", async () => {
  await open("properties");
  await page.getByLabel("Name").fill("plan");
  await press("Add property");
  await page.getByLabel("Name").fill("plan");
  await press("Add property");
  await alert(/in the list already/);
  await press("Remove “plan”");
  await page.getByText("No properties yet.").waitFor();
  await press("Add it again");
  assert.deepEqual(await rows("Properties"), ["plan"]);
});

test("routes have an order, which undo keeps", async () => {
  await open("routes");
  await page.getByLabel("Pattern").fill("/about");
  await press("Add route");
  await alert(/stands for one page only/);
  assert.equal(await page.getByLabel("Pattern").inputValue(), "/about");
  for (const pattern of ["/blog/:slug", "/docs/*", "/<b>/:id"]) {
    await page.getByLabel("Pattern").fill(pattern);
    await press("Add route");
  }
  assert.deepEqual(await rows("Routes"), ["/blog/:slug", "/docs/*", "/<b>/:id"]);
  await press("Move “/docs/*” up");
  assert.equal(await status(), "Moved “/docs/*”.");
  assert.deepEqual(await rows("Routes"), ["/docs/*", "/blog/:slug", "/<b>/:id"]);
  await press("Remove “/blog/:slug”");
  await press("Add it again");
  assert.deepEqual(await rows("Routes"), ["/docs/*", "/blog/:slug", "/<b>/:id"]);
  assert.equal(await product.run("route", "list", "--domain", DOMAIN), "/docs/*\n/blog/:slug\n/<b>/:id\n");
});

test("rules of channels", async () => {
  await product.run("channel", "add", "--domain", DOMAIN, "Odd", "--filter", '["or",[["is","visit:source",["a"]],["is","visit:source",["b"]]]]');
  await open("channels");
  await page.getByLabel("Channel", { exact: true }).fill("Partners");
  await page.getByLabel("What").selectOption("UTM source");
  await page.getByLabel("How").selectOption("matches");
  await page.getByLabel("Values").fill("(");
  await press("Add rule");
  await alert(/not a regular expression/);
  assert.equal(await page.getByLabel("What").inputValue(), "utm_source");
  await page.getByLabel("How").selectOption("is");
  await page.getByLabel("Values").fill("acme\nglobex");
  await press("Add rule");
  assert.match((await rows("Channels"))[1], /Partners\s+UTM source is acme or globex/);
  await press("Move “Partners” up");
  await press("Remove “Odd”");
  await press("Add it again");
  const [first, second] = await rows("Channels");
  assert.match(first, /^Partners/);
  assert.match(second, /^Odd[^]*\["or"/, "a rule that is no sentence comes back as it was");
});

test("shields say what a drop will say, and drop", async () => {
  await open("shields");
  for (const [kind, value, wanted] of [["IP address", "300.1.1.1", /no address/], ["Country", "Atlantis", /no country/], ["Path", "admin", /no path/], ["Host: only these count", "https://x", /no host name/]]) {
    await page.getByLabel("Refuse by").selectOption(kind);
    await page.getByLabel("Value").fill(value);
    await press("Add shield");
    await alert(wanted);
    await alert(value);
    assert.equal(await page.getByLabel("Value").inputValue(), value);
  }
  const count = async (path) => {
    const body = JSON.stringify({ domain: DOMAIN, path });
    return (await fetch(`${product.base}/api/events`, { method: "POST", headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0" }, body })).json();
  };
  assert.equal((await count("/admin/users")).accepted, 1);
  await page.getByLabel("Refuse by").selectOption("Path");
  await page.getByLabel("Value").fill("/admin*");
  await press("Add shield");
  assert.match((await rows("Shields"))[0], /\/admin\*[^]*shield_path: The path is on the domain's block list/);
  // A running collector looks at most five seconds later.
  let answer;
  for (let tries = 0; tries < 120; tries++) {
    answer = await count("/admin/users");
    if (answer.accepted === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(answer.dropped[0].reason, "shield_path");
  await page.getByLabel("Refuse by").selectOption("Country");
  await page.getByLabel("Value").fill("antarctica");
  await press("Add shield");
  assert.equal(await status(), "Added “Antarctica”.");
  await press("Remove “/admin*”");
  await press("Add it again");
  assert.equal((await rows("Shields")).length, 2);
});

test("annotations are by the clock of the domain", async () => {
  await open("annotations");
  await page.getByLabel("What happened").fill("Release <2.0>");
  await page.getByLabel("Day").fill("2026-03-29");
  await page.getByLabel("Time").fill("02:30");
  await press("Add annotation");
  await alert(/skipped by the clocks of Europe\/Berlin/);
  assert.equal(await page.getByLabel("What happened").inputValue(), "Release <2.0>");
  await page.getByLabel("Time").fill("12:30");
  await press("Add annotation");
  assert.match(await product.run("annotation", "list", "--domain", DOMAIN), /2026-03-29T12:30:00\+02:00 {2}Release <2.0>/);
  await press("Remove “Release <2.0>”");
  await press("Add it again");
  assert.match((await rows("Annotations"))[0], /Release <2.0>\s+2026-03-29 12:30/);
});

test("by the keyboard alone", async () => {
  await open("routes");
  await page.getByLabel("Pattern").focus();
  await page.keyboard.type("no");
  await page.keyboard.press("Enter");
  await alert(/must begin with/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "set-route", "who corrects begins at the fault");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("/k/:key");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Remove “/k/:key”" }).focus();
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
  await page.keyboard.press("Enter");
  await page.getByText("Removed “/k/:key”.").waitFor();
  await page.getByRole("link", { name: "Goals", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Goals" }).waitFor();
});

test("every section is accessible in both themes and fits 320 pixels", async () => {
  const sections = await page.getByRole("navigation", { name: "Settings" }).getByRole("link").evaluateAll((links) => links.map((link) => link.pathname));
  assert.equal(sections.length, 11);
  for (const address of sections) {
    await page.goto(product.base + address);
    // A closed part is as much a part of the page.
    for (const closed of await page.locator("details.further > summary").all()) await closed.click();
    await accessible(address);
    await page.setViewportSize({ width: 320, height: 640 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, address);
    await page.setViewportSize({ width: 1440, height: 900 });
  }
});

test("all of it works without JavaScript", async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const quiet = await plain.newPage();
  await open("properties", quiet);
  await quiet.getByLabel("Name").fill("colour");
  await press("Add property", quiet);
  assert.equal(await status(quiet), "Added “colour”.");
  await press("Remove “colour”", quiet);
  await press("Add it again", quiet);
  await quiet.getByLabel("Name").fill("colour");
  await press("Add property", quiet);
  await alert(/in the list already/, quiet);
  await plain.close();
});

test("a form that is out of date says so, and an address that is none is none", async () => {
  await open("properties");
  await page.locator("form:has(#set-property) input[name=csrf]").evaluate((input) => (input.value = "not-mine"));
  await page.getByLabel("Name").fill("late");
  await press("Add property");
  await alert("This form is out of date; reload the page and send it again.");
  assert.doesNotMatch(await product.run("property", "list", "--domain", DOMAIN), /late/);
  assert.equal((await open("nothing")).status(), 404);
});

test("another user's domain is no domain, and what came of a form is its sender's alone", async () => {
  const nobody = await browser.newContext();
  const signedOut = await nobody.newPage();
  await open("goals", signedOut);
  assert.match(signedOut.url(), /\/login/, "nobody is led to sign in");
  await nobody.close();

  // Without script the key of what came of a form stays in the address.
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const own = await plain.newPage();
  await own.goto(`${product.base}/gone.example/settings/properties`);
  await own.getByLabel("Name").fill("secret-plan");
  await press("Add property", own);
  assert.equal(await status(own), "Added “secret-plan”.");
  const key = new URL(own.url()).search;
  await plain.close();

  const password = (await product.run("user", "add", "other@example.org", "--role", "owner")).trim();
  const other = await signedIn("other@example.org", password);
  const stranger = await other.newPage();
  for (const section of ["goals", "danger"]) {
    assert.equal((await open(section, stranger)).status(), 404, section);
    await stranger.getByRole("heading", { name: "Nothing here" }).waitFor();
    assert.doesNotMatch(await stranger.content(), /Purchase/);
  }
  assert.equal((await stranger.goto(`${product.base}/unknown.example/settings/goals`)).status(), 404, "as unknown as this one");
  await product.run("site", "add", "theirs.example", "--owner", "other@example.org");
  await stranger.goto(`${product.base}/theirs.example/settings/properties${key}`);
  await stranger.getByText("No properties yet.").waitFor();
  assert.equal(await stranger.getByRole("status").count(), 0);
  const { csrfToken: csrf } = await (await other.request.get(`${product.base}/api/auth/csrf`)).json();
  const removed = { csrf, domain: DOMAIN, section: "properties", key: "plan" };
  const kept = [{ csrf, domain: DOMAIN, "entry[property][name]": "theirs" }, removed, { csrf, domain: DOMAIN, confirmed: DOMAIN }, { csrf, domain: DOMAIN, timezone: "UTC" }];
  for (const [at, action] of ["add-setting", "remove-setting", "delete-domain", "set-time-zone"].entries()) {
    const answer = await other.request.post(`${product.base}/api/app/${action}`, { form: kept[at], headers: { accept: "text/html", origin: product.base } });
    assert.equal(answer.status(), 404, action);
  }
  const forged = await other.request.post(`${product.base}/api/app/add-setting`, {
    form: { csrf, domain: "theirs.example", "entry[property][name]": "forged" },
    headers: { accept: "text/html", origin: "https://evil.example" },
  });
  assert.doesNotMatch(await forged.text(), /Added/);
  assert.equal(await product.run("property", "list", "--domain", "theirs.example"), "");
  assert.match(await product.run("property", "list", "--domain", DOMAIN), /^plan$/m);
  assert.match(await product.run("site", "list"), /shop\.example +Europe\/Berlin/);
  await other.close();
});

test("a domain goes when its name is typed", async () => {
  await page.goto(`${product.base}/gone.example/settings/danger`);
  await page.locator("section.danger").last().getByLabel("Type the name of the domain").fill("shop.example");
  await press("Delete gone.example");
  await alert("`shop.example` is not the name of this domain; type gone.example to go on.");
  assert.equal(await page.locator("section.danger").last().getByLabel("Type the name of the domain").inputValue(), "shop.example");
  await page.locator("section.danger").last().getByLabel("Type the name of the domain").fill("gone.example");
  await press("Delete gone.example");
  await page.waitForURL("**/sites");
  assert.match(await status(), /gone\.example is deleted/);
  assert.equal((await page.goto(`${product.base}/gone.example/settings/general`)).status(), 404);
  assert.deepEqual(faults.filter((fault) => !fault.includes("404")), []);
});
