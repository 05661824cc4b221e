// An installation as it is in use: an owner, a domain with demo data, settings of every kind and people on it, an empty domain, and one with long labels.
import { open } from "./browser.mjs";
import { EMPTY, FULL, LONG, PAGES } from "./pages.mjs";

export const EMAIL = "owner@example.org";
export const PASSWORD = "correct horse battery staple";

/** Makes the owner by the set-up link; the state of a browser that is signed in. */
export async function makeOwner(product, browser) {
  const context = await browser.newContext();
  const { page } = await open(context);
  await page.goto(product.setup);
  await page.locator("input[name=email]").fill(EMAIL);
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("main form").getByRole("button").first().click();
  await page.waitForURL(/setup$/);
  const state = await context.storageState();
  await context.close();
  return state;
}

/** Fills a domain with demo data, as its owner does. */
export async function loadDemo(product, browser, owner, domain) {
  const context = await browser.newContext({ storageState: owner });
  const { page } = await open(context);
  await page.goto(`${product.base}/${domain}`);
  await page.locator("form.demo button").click();
  await page.locator(".rows").first().waitFor({ timeout: 60_000 });
  await context.close();
}

/** All of it, for somebody who is signed in. */
export async function furnish(product, browser) {
  const owner = await makeOwner(product, browser);
  for (const domain of [FULL, EMPTY, LONG]) await product.run("site", "add", domain, "--timezone", "Europe/Berlin");
  await loadDemo(product, browser, owner, FULL);
  const of = (...args) => product.run(...args.slice(0, 2), "--domain", FULL, ...args.slice(2));
  await of("goal", "add", "--event", "Signup", "--currency", "EUR");
  await of("goal", "add", "--page", "/pricing", "--name", "Looked at prices");
  await of("property", "add", "plan");
  await of("route", "add", "/blog/:slug");
  await of("channel", "add", "Newsletters", "--filter", '["is","visit:utm_medium",["email"]]');
  await of("shield", "add", "path", "/internal/*");
  await of("annotation", "add", "New prices", "--at", new Date(Date.now() - 9 * 86_400_000).toISOString());
  const segment = await of("segment", "add", "--name", "Germany", "--filter", '["is","visit:country",["DE"]]');
  await of("share", "add", "--name", "Everybody", "--public");
  await of("share", "add", "--name", "A customer whose name is long enough to fill a line", "--segment", segment.trim(), "--until", "2099-12-31");
  await arrive(product, FULL, 24, (n) => ({ path: ["/", "/pricing", "/blog/why-we-count", "/docs"][n % 4] }));
  const word = (n) => "rindfleischetikettierungsueberwachungsaufgabenuebertragungsgesetz".repeat(1 + (n % 3));
  await arrive(product, LONG, 12, (n) => ({ path: `/${word(n)}/${n}`, referrer: `https://${"sub.".repeat(12)}${n}.example/`, name: n % 4 ? "pageview" : word(0) }));
  return owner;
}

const BROWSERS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
];

/** So many people arrive within the last minutes, some of them right now. */
export async function arrive(product, domain, people, what) {
  const key = (await product.run("token", "add", "--domain", domain, "--scopes", "events:write")).trim();
  const addresses = ["81.2.69.142", "84.160.0.1", "193.0.6.139", "133.11.0.1"];
  const events = Array.from({ length: people }, (_, n) => ({
    domain,
    ip: addresses[n % addresses.length].replace(/\d+$/, String(10 + n)),
    userAgent: BROWSERS[n % BROWSERS.length],
    timestamp: new Date(Date.now() - ((n * n * 7) % 1_500) * 1_000).toISOString(),
    ...what(n),
  }));
  const answer = await fetch(`${product.base}/api/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  const { accepted } = await answer.json();
  if (accepted !== people) throw new Error(`only ${accepted} of ${people} events were accepted`);
}

/**
 * Walks through the pages of `wanted`, first those of a new installation, then those of who is signed in and of strangers. `look` gets a context
 * made with these options, the entry of the list and its whole address.
 */
export async function walk({ product, browser, options = {}, wanted = PAGES }, look) {
  const visit = async (pages, storageState) => {
    if (pages.length === 0) return;
    const context = await browser.newContext({ ...options, storageState });
    for (const entry of pages) await look(context, entry, entry.path === undefined ? product.setup : product.base + entry.path);
    await context.close();
  };
  const of = (who) => wanted.filter((entry) => entry.who === who);
  if (product.owner === undefined) {
    await visit(of("new"));
    product.owner = await furnish(product, browser);
  }
  await visit(of("stranger"));
  await visit(of(undefined), product.owner);
}
