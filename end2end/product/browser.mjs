// A browser, pages whose faults are collected, and what every page is checked for.
import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

/** Debian's Chromium, for which every host below `.example` is this machine. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.example 127.0.0.1",
    ],
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}

/** A page whose console errors, failed requests and uncaught errors end in `faults`. */
export async function open(context) {
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    if (!reason.includes("ERR_ABORTED")) faults.push(`${request.url()}: ${reason}`);
  });
  return { page, faults };
}

/** The page stands: taken over by its script, its chart drawn, nothing being loaded. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const host = document.querySelector(".chart-host");
    const drawn = !host || host.querySelector("svg, canvas") || !document.querySelector(".chart-drawing svg");
    return drawn && !document.querySelector(".busy, .skeleton");
  });
  await page.evaluate(() => document.fonts.ready);
}

/** Nothing of a page at rest is wrong: what is only just rolling in is half transparent, and its contrast that of a moment. */
export async function accessible(page, what) {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.waitForFunction(() => !document.querySelector(".busy"));
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`), [], what);
  await page.emulateMedia({ reducedMotion: "no-preference" });
}

/** Between themes only colours differ. */
export async function contrast(page, what) {
  const { violations } = await new AxeBuilder({ page }).withRules(["color-contrast"]).analyze();
  assert.deepEqual(violations.map(({ nodes }) => nodes.map((node) => node.html).join(" | ")), [], what);
}

/** Clean in both themes, and as narrow as a small phone. */
export async function looksRight(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `${what}, ${colorScheme}`);
  }
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 700 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, `${what} at 320 px`);
  await accessible(page, `${what}, narrow`);
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light" });
}

/** The page at an address without script, for who has this state of storage. */
export async function without(storageState, browser, address, look) {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState });
  const page = await plain.newPage();
  await page.goto(address);
  await look(page);
  await plain.close();
}
