// Pictures of every page, to be looked at: in both themes and four widths, in target/screenshots.
//
//   node end2end/screenshots.mjs            all of end2end/product/pages.mjs
//   node end2end/screenshots.mjs WORD…      only the pages whose names contain one of these
//   node end2end/screenshots.mjs --readme   the pictures in docs/images, which the README shows
import { rm } from "node:fs/promises";
import { launch, settled } from "./product/browser.mjs";
import { PAGES } from "./product/pages.mjs";
import { startProduct } from "./product/server.mjs";
import { arrive, makeOwner, walk } from "./product/world.mjs";

const WIDTHS = { 390: 844, 768: 1024, 1440: 900, 2560: 1440 };
const THEMES = ["light", "dark"];
/** The last thirty days that are whole: the picture does not depend on the time of day. */
const day = (ago) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
const README = { dashboard: `?period=custom&from=${day(30)}&to=${day(1)}` };

const words = process.argv.slice(2);
const product = await startProduct();
const browser = await launch();
try {
  if (words.includes("--readme")) await ofReadme();
  else await ofAll(PAGES.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word))));
} finally {
  await browser.close();
  await product.stop();
}

async function ofAll(wanted) {
  const folder = new URL("../target/screenshots/", import.meta.url).pathname;
  if (words.length === 0) await rm(folder, { recursive: true, force: true });
  let taken = 0;
  await walk({ product, browser, options: { reducedMotion: "reduce" }, wanted }, async (context, { name }, address) => {
    const page = await context.newPage();
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of Object.entries(WIDTHS)) {
        await page.setViewportSize({ width: Number(width), height });
        await page.goto(address);
        await settled(page);
        await page.screenshot({ path: `${folder}${name}-${width}-${colorScheme}.png`, fullPage: true });
        taken += 1;
      }
    }
    await page.close();
  });
  console.log(`${taken} pictures in ${folder}`);
}

/** The first screen of a desk, over two months of made-up traffic that is the same for the same seed, up to now. */
async function ofReadme() {
  const folder = new URL("../docs/images/", import.meta.url).pathname;
  const domain = "shop.example";
  const owner = await makeOwner(product, browser);
  await product.run("site", "add", domain);
  await product.run("seed", "--domain", domain, "--days", "62", "--events", "70000", "--seed", "7");
  await product.run("goal", "add", "--domain", domain, "--event", "Signup", "--currency", "EUR");
  await arrive(product, domain, 14, () => ({ path: "/" }));
  const options = { storageState: owner, reducedMotion: "reduce", colorScheme: "light", viewport: { width: 1440, height: 900 } };
  const context = await browser.newContext(options);
  const page = await context.newPage();
  for (const [name, query] of Object.entries(README)) {
    await page.goto(`${product.base}/${domain}${query}`);
    await settled(page);
    await page.screenshot({ path: `${folder}${name}.png` });
    console.log(`${folder}${name}.png`);
  }
}
