// What a reader sees while something is away: the network, the analytics store, one part of the page; and that the page is as it should be after.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessible, launch, open, settled } from "./product/browser.mjs";
import { loadDemo, makeOwner } from "./product/world.mjs";
import { startProduct } from "./product/server.mjs";

const DOMAIN = "shop.example";
const PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

let product, browser, context;

before(async () => {
  product = await startProduct();
  browser = await launch();
  const owner = await makeOwner(product, browser);
  await product.run("site", "add", DOMAIN);
  await loadDemo(product, browser, owner, DOMAIN);
  context = await browser.newContext({ storageState: owner, viewport: { width: 1440, height: 900 } });
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

async function send(path) {
  const body = JSON.stringify({ domain: DOMAIN, path });
  const answer = await fetch(`${product.base}/api/events`, { method: "POST", headers: { "content-type": "text/plain", "user-agent": PERSON }, body });
  assert.equal(answer.status, 202);
}

const line = (page) => page.locator(".offline");
const figure = (page, at) => page.locator(".kpi-figure").nth(at).innerText();
const grows = (page, at, before) => {
  const beyond = ([at, before]) => Number(document.querySelectorAll(".kpi-figure")[at].innerText.replace(",", "")) > Number(before.replace(",", ""));
  return page.waitForFunction(beyond, [at, before], { timeout: 20_000 });
};

test("without a connection the dashboard stays, says so, and goes on by itself after", async () => {
  const { page, faults } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=30d`);
  await settled(page);
  assert.equal(await line(page).innerText(), "");

  await context.setOffline(true);
  await page.getByText(/^You are offline\. Figures as of \d\d:\d\d/).waitFor();
  await accessible(page, "dashboard, offline");
  const [address, before] = [page.url(), await figure(page, 1)];
  await page.getByRole("link", { name: "Show only Germany" }).click();
  await page.getByText(/^This needs a connection, so the page stays as it is\. Figures as of \d\d:\d\d/).waitFor();
  await page.getByTitle("Add a filter").click();
  const form = page.locator("form:has(select[name=op])");
  await form.getByRole("textbox", { name: "Value" }).fill("/pricing");
  await form.getByRole("button", { name: "Apply" }).click();
  await page.keyboard.press("w");
  assert.equal(page.url(), address);
  assert.equal(await figure(page, 1), before, "the figures stay");
  assert.equal(await page.locator(".failed").count(), 0);

  await send("/while-away");
  await context.setOffline(false);
  await page.waitForFunction(() => document.querySelector(".offline").innerText === "");
  await grows(page, 1, before);
  await page.locator("#live").getByText("/while-away").waitFor();
  await send("/after");
  await page.locator("#live").getByText("/after").waitFor();
  await page.getByRole("link", { name: "Show only Germany" }).click();
  await page.waitForURL(/f=is,country,DE/);
  // What the browser itself says of requests while it is offline is no fault of the page.
  assert.deepEqual(faults.filter((fault) => !/INTERNET_DISCONNECTED/.test(fault)), []);
  await page.close();
});

test("what is typed into a form is not lost without a connection", async () => {
  const { page } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}/settings/routes`);
  await page.getByLabel("Pattern").fill("/blog/:slug");
  await context.setOffline(true);
  await page.getByText("You are offline.", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Add route" }).click();
  await page.getByText("This needs a connection, so the page stays as it is.", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("Pattern").inputValue(), "/blog/:slug");
  await context.setOffline(false);
  await page.waitForFunction(() => document.querySelector(".offline").innerText === "");
  await page.getByRole("button", { name: "Add route" }).click();
  await page.getByText("/blog/:slug").first().waitFor();
  await page.goto(`${product.base}/${DOMAIN}/by/page?period=30d`);
  await context.setOffline(true);
  await page.getByText(/^You are offline\. Figures as of/).waitFor();
  await context.setOffline(false);
  await page.waitForFunction(() => document.querySelector(".offline").innerText === "");
  await page.close();
});

test("a part that fails says so and is loaded again alone", async () => {
  const { page } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=30d`);
  await settled(page);
  let refused = 0;
  // The panel of sources, and no other, cannot be loaded.
  await page.route(/\/api\/app\/panel\?.*panel=sources/, (route) => (refused++, route.abort()));
  await page.locator("#sources").getByRole("link", { name: "Channels" }).click();
  await page.locator("#sources").getByText("This could not be loaded.").waitFor();
  assert.equal(await page.locator(".failed").count(), 1, "the others stand");
  await accessible(page, "a failed panel");
  await page.unrouteAll();
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/app/") && asked.push(request.url()));
  await page.locator("#sources").getByRole("link", { name: "Try again" }).click();
  await page.locator("#sources").getByText("Organic Search").waitFor();
  assert.equal(asked.length, 1, `${asked}`);
  assert.ok(refused > 0);
  await page.close();
});

test("while newer figures cannot be loaded the last ones stay, with their time, and newer ones come by themselves", async () => {
  const { page } = await open(context);
  await page.goto(`${product.base}/${DOMAIN}?period=30d`);
  await settled(page);
  await page.route(/\/api\/app\//, (route) => route.abort());
  const [visitors, pageviews, bounces] = [await figure(page, 0), await figure(page, 1), await figure(page, 4)];
  const countries = await page.locator("#places tbody").innerText();
  await send("/while-it-cannot-be-loaded");
  await page.getByText(/^These are the figures of \d\d:\d\d UTC: newer ones cannot be loaded/).waitFor({ timeout: 20_000 });
  assert.deepEqual([await figure(page, 0), await figure(page, 4)], [visitors, bounces]);
  await grows(page, 1, pageviews);
  assert.equal(await page.locator("#places tbody").innerText(), countries);
  assert.equal(await page.locator(".failed").count(), 0);
  await accessible(page, "dashboard, outdated");
  await page.unrouteAll();
  await page.locator("main > .notice-warn").waitFor({ state: "hidden", timeout: 20_000 });
  await grows(page, 1, pageviews);
  await page.close();
});

test("while the store is away pages say so, and are complete by themselves once it is back", async () => {
  const { page } = await open(context);
  const comeBack = await killEngine();
  try {
    await page.goto(`${product.base}/${DOMAIN}?period=7d`);
    await page.getByText(/^The analytics store is away\. Pageviews come from/).waitFor();
    assert.notEqual(await figure(page, 1), "0", "hours and live state know pageviews");
    assert.ok((await page.locator("#places .failed").count()) > 0, "a panel says what is wrong");
    await accessible(page, "dashboard, without its store");
    const { page: detail } = await open(context);
    await detail.goto(`${product.base}/${DOMAIN}/by/source?period=7d`);
    await detail.getByText("The analytics store is away").waitFor();
    await detail.close();
  } finally {
    comeBack();
  }
  await page.locator("main > .notice-warn").waitFor({ state: "hidden", timeout: 30_000 });
  await page.getByRole("link", { name: "Show only Germany" }).waitFor({ timeout: 30_000 });
  assert.equal(await page.locator(".failed").count(), 0);
  await page.close();
});

/** Kills the engine and holds its folder, so that it cannot come back before the function that is answered is called. */
async function killEngine() {
  const lock = join(product.data, "run/engine.lock");
  for (let tries = 0; tries < 200; tries++) {
    for (const engine of children(product.pid)) process.kill(engine, "SIGKILL");
    const holder = spawn("flock", ["--nonblock", lock, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "ignore"] });
    const held = await new Promise((resolve) => {
      holder.stdout.once("data", () => resolve(true));
      holder.once("exit", () => resolve(false));
    });
    if (held) return () => holder.stdin.end();
  }
  throw new Error("the engine cannot be stopped");
}

/** The engines among the processes that the server has started. */
function children(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const all = threads.flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean));
  return all.map(Number).filter((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0").includes("engine"));
}
