// Builds the tracker into one file: the core (Rust → WASM → wasm-opt → base64) inside the minified glue.
//
//   node tools/tracker.mjs             target/site/tracker.js, tracker.<hash>.js, both with .br, and tracker.json
//   node tools/tracker.mjs --compare   also prints the size of the same tracker with the core as plain JavaScript
//
// Exits 1 when a page would load more than LIMIT bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import binaryen from "binaryen";
import { transformSync } from "esbuild";

/** What a page may load, in bytes after brotli 11. */
const LIMIT = 1_500;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const site = join(root, "target/site");

function buildCore() {
  execFileSync(
    "cargo",
    [
      "rustc", "--quiet", "--package", "footfall-tracker", "--lib", "--crate-type", "cdylib",
      "--profile", "wasm-release", "--target", "wasm32-unknown-unknown",
      // The core needs no stack; the default of 1 MB would be taken from every page.
      "--", "-C", "link-arg=-zstack-size=16",
    ],
    { cwd: root, stdio: "inherit" },
  );
  return readFileSync(join(target, "wasm32-unknown-unknown/wasm-release/footfall_tracker.wasm"));
}

/**
 * Shrinks the core. Its state is five words of static memory, always at constant addresses: as globals they cost half the code,
 * and a page need not lend a memory of 64 KB.
 */
function optimise(wasm) {
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  const withMemory = binaryen.readBinary(wasm);
  withMemory.removeExport("memory");
  withMemory.optimize();
  const cells = new Set();
  const cell = (address) => `$cell${cells.add(address) && address}`;
  const text = withMemory
    .emitText()
    .replace(/\(i32\.store8?\s+\(i32\.const (\d+)\)/g, (_, address) => `(global.set ${cell(address)}`)
    .replace(/\(i32\.load(?:8_u)?\s+\(i32\.const (\d+)\)\s*\)/g, (_, address) => `(global.get ${cell(address)})`)
    .replace(/\(memory \S+ 1\)/, () => [...cells].map((at) => `(global $cell${at} (mut i32) (i32.const 0))`).join("\n"));
  const core = binaryen.parseText(text);
  for (let round = 0; round < 5; round++) core.optimize();
  if (!core.validate() || /memory|load|store/.test(core.emitText())) {
    throw new Error("the core has state that cannot be a global; keep its static at plain 32-bit fields and bools");
  }
  return core;
}

function minify(source, replacements = {}) {
  const { code } = transformSync(source, {
    define: replacements,
    minify: true,
    target: "es2021",
    charset: "ascii",
    legalComments: "none",
  });
  return code.trim();
}

/** The smallest that the encoder can do; for so short a text its defaults are 3 % off. */
function brotli(bytes) {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_NPOSTFIX, BROTLI_PARAM_NDIRECT } = constants;
  let best;
  for (const window of [11, 12, 22]) {
    for (const postfix of [0, 1, 2]) {
      for (const direct of [0, 1, 2, 4, 8, 12]) {
        const params = {
          [BROTLI_PARAM_QUALITY]: 11,
          [BROTLI_PARAM_LGWIN]: window,
          [BROTLI_PARAM_NPOSTFIX]: postfix,
          [BROTLI_PARAM_NDIRECT]: direct << postfix,
        };
        const candidate = brotliCompressSync(bytes, { params });
        if (!best || candidate.length < best.length) best = candidate;
      }
    }
  }
  return best;
}

function write(code) {
  const bytes = Buffer.from(code);
  const compressed = brotli(bytes);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  mkdirSync(site, { recursive: true });
  for (const name of readdirSync(site)) {
    if (/^tracker\.[0-9a-f]{16}\.js(\.br)?$/.test(name)) rmSync(join(site, name));
  }
  const hashed = `tracker.${hash}.js`;
  for (const name of ["tracker.js", hashed]) {
    writeFileSync(join(site, name), bytes);
    writeFileSync(join(site, `${name}.br`), compressed);
  }
  const manifest = { file: hashed, hash, bytes: bytes.length, brotli: compressed.length };
  writeFileSync(join(site, "tracker.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** The tracker with the same core as plain JavaScript (wasm2js) where the glue would start the WASM. */
function withPlainCore(core, glue) {
  const [body] = core.emitAsmjs().match(/ var g = imports\.g;[^]*?(?=\n return \{)/);
  const start = /observe \?\?=[^]*?&& 0;/;
  const engagement = glue.match(/r: (\(engagementMs[^]*?\)),\n/)[1];
  const state = body.replace(" var g = imports.g;", "").replace("g.r", engagement).replace("function $0(", "function core(");
  const imul = /Math_imul/.test(state) ? "const Math_imul = Math.imul;" : "";
  const source = glue
    .replace(start, "if (!observe) { observe = core; account(); }")
    .replace("    const track =", () => `${imul}${state}\n    const track =`);
  const code = minify(source);
  if (code.includes("CORE")) throw new Error("the glue starts its core in another way; adapt withPlainCore");
  return code;
}

const glue = readFileSync(join(root, "tracker/glue.js"), "utf8");
const core = optimise(buildCore());
const wasm = Buffer.from(core.emitBinary());
const code = minify(glue, { CORE: JSON.stringify(wasm.toString("base64")) });
const manifest = write(code);
console.log(
  `tracker.js: ${manifest.brotli} bytes brotli (limit ${LIMIT}), ${manifest.bytes} plain, core ${wasm.length} bytes WASM`,
);
if (process.argv.includes("--compare")) {
  const plain = withPlainCore(core, glue);
  const without = minify(glue.replace(/observe \?\?=[^]*?&& 0;/, ""));
  console.log(`core as wasm2js: ${brotli(Buffer.from(plain)).length} bytes brotli, ${plain.length} plain`);
  console.log(`no core at all: ${brotli(Buffer.from(without)).length} bytes brotli, ${without.length} plain`);
  if (process.argv.includes("--print")) console.log(plain);
}
if (manifest.brotli > LIMIT) {
  console.error(`tracker.js is ${manifest.brotli - LIMIT} bytes over its limit; take something out of tracker/glue.js`);
  process.exitCode = 1;
}
