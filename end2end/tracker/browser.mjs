// Debian's Chromium with every host name on loopback: driven by playwright-core, or (`Tabs`) a bare one whose tabs are really
// hidden, which Playwright's are not.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { Site } from "./site.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const args = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * 127.0.0.1",
];

let launching;

/** One browser for all tests of the process, closed after the last. */
function browser() {
  launching ??= chromium.launch({
    executablePath,
    args,
    // Playwright turns the back/forward cache off; the tracker has to live with it.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  return launching;
}
after(async () => (await launching)?.close());

/** A site and a fresh page, both gone after test `t`. Uncaught errors and rejections of the page are kept in `page.faults`. */
export async function visit(t) {
  const site = await Site.start();
  t.after(() => site.close());
  const context = await (await browser()).newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  return { site, page };
}

/** Sends a custom event and resolves when the tracker is done with it: the status, or "ignored" where nothing was sent. */
export function probe(page, name = "probe", details = {}) {
  return page.evaluate(
    ([event, given]) =>
      new Promise((resolve) => {
        window.footfall(event, { ...given, callback: (status) => resolve(status ?? "ignored") });
      }),
    [name, details],
  );
}

/** Runs in a page before the tracker: sets `coreReady` once the tracker's core can be told what happens. */
export function watchCore() {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (...given) => {
    const core = instantiate(...given);
    // A task later, so behind the continuation that the tracker attaches.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => core.finally(() => (window.coreReady = true));
    port2.postMessage(0);
    return core;
  };
}

/** Before a page opens: from then on its time stands still but for `page.clock.runFor`, and `coreReady` can tell. */
export async function stopClock(page) {
  await page.clock.install({ time: 0 });
  await page.addInitScript(watchCore);
}

/** Resolves once the tracker's core runs. */
export async function coreReady(page) {
  await page.waitForFunction(() => window.coreReady, undefined, { polling: "raf" });
}

/** A bare browser, steered by its HTTP endpoint: a tab is hidden while another one is in front. */
export class Tabs {
  #process;
  #profile;
  #endpoint;

  static async start(t) {
    const tabs = new Tabs();
    tabs.#profile = await mkdtemp(join(tmpdir(), "footfall-tabs-"));
    const own = ["--remote-debugging-port=0", `--user-data-dir=${tabs.#profile}`, "about:blank"];
    tabs.#process = spawn(executablePath, [...args, ...own], { stdio: ["ignore", "ignore", "pipe"] });
    t.after(() => tabs.#close());
    let said = "";
    for await (const part of tabs.#process.stderr) {
      said += part;
      const [, host] = said.match(/DevTools listening on ws:\/\/([^/]+)\//) ?? [];
      if (host) {
        tabs.#endpoint = `http://${host}/json`;
        return tabs;
      }
    }
    throw new Error(`chromium did not start: ${said}`);
  }

  /** Opens `url` in a new tab in front and returns the tab's id. */
  async open(url) {
    const answer = await fetch(`${this.#endpoint}/new?${encodeURIComponent(url)}`, { method: "PUT" });
    return (await answer.json()).id;
  }

  async bringToFront(id) {
    await fetch(`${this.#endpoint}/activate/${id}`);
  }

  async #close() {
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
