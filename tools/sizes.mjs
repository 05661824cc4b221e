// Prints what a browser loads, as `tools/assets.mjs` and `tools/tracker.mjs` left it.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const site = fileURLToPath(new URL("../target/site", import.meta.url));
const packed = (name) => statSync(`${join(site, name)}.br`).size;
const line = (name, bytes, goal) => console.log(`${name.padEnd(58)} ${`${bytes} B`.padStart(16)}   goal ${goal}`);

if (!existsSync(join(site, "manifest.json"))) {
  console.error("the files are not built yet; run `make assets`");
  process.exit(1);
}
const { js, wasm, css, charts } = JSON.parse(readFileSync(join(site, "manifest.json"), "utf8"));
line("tracker", JSON.parse(readFileSync(join(site, "tracker.json"), "utf8")).brotli, "<= 1,500 B, aim 1,000 B");
line("first dashboard route, JS and WASM before charts", packed(js) + packed(wasm), "<= 200,000 B");
line("charts, loaded last", packed(charts), "");
line("styles", packed(css), "");
