// Prepares the data that the server carries inside it, from the npm parts, into target/data:
//   regexes.yaml   browsers and operating systems of uap-core (its device list is left out: three quarters of the memory, and
//                  definitions.md needs no more than Mobile, Tablet and Desktop)
//   bots.json      [{class, patterns}], first match wins, from crawler-user-agents and isbot, in the syntax of Rust's regex
//   country.mmdb   IP to country (CC0)
//   NOTICE.txt     where these, and the map of tools/map.mjs, come from
// It does nothing where the result is newer than its input. Usage: node tools/data.mjs [--force]

import { createRequire } from "node:module";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const parts = join(root, "node_modules");
const target = join(root, "target", "data");
const require = createRequire(join(root, "package.json"));

const inputs = {
  regexes: join(parts, "uap-core", "regexes.yaml"),
  crawlers: join(parts, "crawler-user-agents", "crawler-user-agents.json"),
  isbot: join(parts, "isbot", "index.js"),
  country: join(parts, "@ip-location-db", "geo-whois-asn-country-mmdb", "geo-whois-asn-country.mmdb"),
};
const outputs = ["regexes.yaml", "bots.json", "country.mmdb", "NOTICE.txt"].map((name) => join(target, name));

// Tags of crawler-user-agents, in order of precedence, and the class that Footfall stores.
const CLASSES = [
  ["ai-crawler", "ai"],
  ["browser-automation", "headless"],
  ["monitoring", "monitor"],
  ["social-preview", "preview"],
  ["feed-reader", "feed"],
  ["http-library", "library"],
  ["scanner", "scanner"],
  ["search-engine", "crawler"],
  ["seo", "crawler"],
  ["archiver", "crawler"],
  ["academic", "crawler"],
  ["advertising", "crawler"],
];

// Rust's regex has no look-around. What isbot says with it, said without.
const WITHOUT_LOOKAROUND = {
  "(?:^|[^g])news(?!sapphire)": "(?:^|[^g])news(?:$|[^s]|s(?:$|[^a]|a(?:$|[^p]|p(?:$|[^p]|p(?:$|[^h])))))",
  "(?<! channel/|google/)google(?!(?:wv|app|/google| pixel))":
    "(?:^|[^/])google(?:$|[^wa/ ]|w(?:$|[^v])|a(?:$|[^p])|/(?:$|[^g])| (?:$|[^p]))",
  "(?<! cu)bots?(?:\\b|_)": "(?:^|[^u]|(?:^|[^c])u|(?:^|[^ ])cu)bots?(?:\\b|_)",
  "(?<!cam)scan": "(?:^|[^m]|(?:^|[^a])m|(?:^|[^c])am)scan",
  "(?<!lib)http": "(?:^|[^b]|(?:^|[^i])b|(?:^|[^l])ib)http",
  "java(?!;)": "java(?:[^;]|$)",
};

const fail = (message) => {
  console.error(`data: ${message}`);
  process.exit(1);
};

const portable = (pattern, from) => {
  const rewritten = WITHOUT_LOOKAROUND[pattern] ?? pattern;
  if (/\(\?<?[=!]|\\[1-9]/.test(rewritten)) fail(`${from} has a pattern with look-around that tools/data.mjs does not know: ${pattern}`);
  // "-" after a class such as \w stands for itself; Rust wants that written.
  return rewritten.replace(/(\\[dswDSW])-/g, "$1\\-");
};

/** Browsers and systems only, without comments. */
const regexes = () => {
  const text = readFileSync(inputs.regexes, "utf8");
  const devices = text.search(/^device_parsers:/m);
  if (devices < text.search(/^os_parsers:/m)) fail("uap-core has changed the order of regexes.yaml");
  return text.slice(0, devices).replace(/^\s*#.*\n/gm, "").replace(/\n{2,}/g, "\n");
};

/** One list per class; isbot, which knows no classes, comes last. */
const bots = () => {
  const lists = new Map();
  const add = (name, pattern) => (lists.get(name) ?? lists.set(name, []).get(name)).push(pattern);
  for (const [, name] of CLASSES) if (!lists.has(name)) lists.set(name, []);
  for (const { pattern, tags = [] } of JSON.parse(readFileSync(inputs.crawlers, "utf8"))) {
    const found = CLASSES.find(([tag]) => tags.includes(tag));
    add(found ? found[1] : "crawler", portable(pattern, "crawler-user-agents"));
  }
  const generic = require(inputs.isbot).list.map((pattern) => `(?i:${portable(pattern, "isbot")})`);
  const result = [...lists].map(([name, patterns]) => ({ class: name, patterns }));
  result.push({ class: "crawler", patterns: generic });
  return JSON.stringify(result);
};

const version = (name) => JSON.parse(readFileSync(join(parts, name, "package.json"), "utf8")).version;

const notice = () =>
  [
    `uap-core ${version("uap-core")}: Apache-2.0`,
    `crawler-user-agents ${version("crawler-user-agents")}: MIT`,
    `isbot ${version("isbot")}: Unlicense`,
    `@ip-location-db/geo-whois-asn-country-mmdb ${version("@ip-location-db/geo-whois-asn-country-mmdb")}: CC0-1.0`,
    `world-atlas ${version("world-atlas")}: ISC; its borders are those of Natural Earth, in the public domain`,
    "",
  ].join("\n");

const write = (name, content) => {
  const bytes = Buffer.from(content);
  const path = join(target, name);
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
  console.log(`data: ${name} ${bytes.length} B`);
};

for (const path of Object.values(inputs)) if (!existsSync(path)) fail(`${path} is missing; run \`make setup\``);

const newest = Math.max(...[...Object.values(inputs), fileURLToPath(import.meta.url)].map((path) => statSync(path).mtimeMs));
const fresh = outputs.every((path) => existsSync(path) && statSync(path).mtimeMs >= newest);
if (!fresh || process.argv.includes("--force")) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  write("regexes.yaml", regexes());
  write("bots.json", bots());
  write("country.mmdb", readFileSync(inputs.country));
  write("NOTICE.txt", notice());
}
