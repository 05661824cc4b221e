// Builds everything a browser loads into target/site, each file named after its content and beside its .br:
//
//   node tools/assets.mjs          for a release: small (about three minutes cold, under two seconds when nothing changed)
//   node tools/assets.mjs --dev    quick to build, large to load
//
//   pkg/footfall-<hash>.js, .wasm  the pages: cargo → wasm-bindgen → wasm-opt → esbuild
//   pkg/style-<hash>.css           Tailwind over style/main.css
//   pkg/page-<hash>.js             tools/page: small conveniences of every page
//   pkg/realtime-<hash>.js         tools/page: what only the realtime page needs
//   pkg/charts-<hash>.js           tools/charts with the parts of ECharts that are used
//   pkg/world-<hash>.svg           the shapes of countries, by tools/map.mjs
//   tracker*                       by tools/tracker.mjs
//   …                              whatever public/ holds
//   manifest.json                  {js, wasm, css, page, realtime, charts, world, countries, dots, sizes}: read by the server and its pages
//
// Exits 1 when the first dashboard page would load more than LIMIT bytes of script before its charts.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

/** Script of the first dashboard page before charts, in bytes after brotli. */
const LIMIT = 150 * 1024;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dev = process.argv.includes('--dev');
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
const site = join(root, 'target/site');
const pkg = join(site, 'pkg');
/** Results of single steps, and what they were made from. */
const work = join(root, 'target/assets', dev ? 'dev' : 'release');

const run = (command, args) => execFileSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
const bin = (name) => join(root, 'node_modules/.bin', name);

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).filter((name) => name !== 'target').sort().flatMap((name) => filesBelow(join(path, name)));
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((path) => filesBelow(join(root, path)))) {
    hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

/** Runs `make` unless its inputs are what they were when it last succeeded and all it made is there. */
function step(name, inputs, outputs, make) {
  const stamp = join(work, `${name}.stamp`);
  const now = digest([...inputs, 'tools/assets.mjs']);
  const made = outputs.every((path) => existsSync(path));
  if (made && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  const begun = performance.now();
  make();
  writeFileSync(stamp, now);
  console.log(`${name.padEnd(8)} made in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

function pages() {
  const profile = dev ? 'dev' : 'wasm-release';
  const raw = join(target, 'wasm32-unknown-unknown', dev ? 'debug' : profile, 'footfall_frontend.wasm');
  const sources = ['app/src', 'app/data', 'app/Cargo.toml', 'frontend', 'crates/model', 'Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml'];
  step('compile', sources, [raw], () => {
    run('cargo', ['build', '--quiet', '--package', 'footfall-frontend', '--lib', '--target', 'wasm32-unknown-unknown', '--profile', profile]);
  });
  const [js, wasm] = [join(work, 'footfall.js'), join(work, 'footfall.wasm')];
  step('bindgen', [relative(root, raw), 'tools/bindgen'], [js, wasm], () => {
    const out = join(work, 'bindgen');
    rmSync(out, { recursive: true, force: true });
    run('cargo', ['run', '--quiet', '--package', 'footfall-bindgen', '--', raw, out]);
    const bound = join(out, 'footfall_bg.wasm');
    if (dev) {
      copyFileSync(bound, wasm);
    } else {
      // Inlining and -Oz make the file smaller, but what travels, compressed, larger: by 6 % and 1 % when measured.
      const noInlining = ['-aimfs', '0', '-ocimfs', '0'];
      const features = ['bulk-memory', 'nontrapping-float-to-int', 'sign-ext', 'mutable-globals', 'reference-types', 'multivalue'];
      run(bin('wasm-opt'), ['-Os', ...noInlining, ...features.map((feature) => `--enable-${feature}`), bound, '-o', wasm]);
    }
    run(bin('esbuild'), [join(out, 'footfall.js'), '--bundle', '--format=esm', '--minify', '--log-level=warning', `--outfile=${js}`]);
  });
  return { js, wasm };
}

function style() {
  const css = join(work, 'style.css');
  step('style', ['style', 'app/src'], [css], () => {
    run(bin('tailwindcss'), ['--input', join(root, 'style/main.css'), '--output', `${css}.new`, '--minify']);
    renameSync(`${css}.new`, css);
  });
  return css;
}

function charts() {
  const js = join(work, 'charts.js');
  step('charts', ['tools/charts', 'package-lock.json'], [js], () => {
    const entry = join(root, 'tools/charts/entry.js');
    run(bin('esbuild'), [entry, '--bundle', '--format=iife', '--minify', '--legal-comments=none', '--log-level=warning', `--outfile=${js}`]);
  });
  return js;
}

/** A script of plain pages: `entry` of tools/page. */
function conveniences(name, entry) {
  const js = join(work, `${name}.js`);
  step(name, ['tools/page', 'package-lock.json'], [js], () => {
    run(bin('esbuild'), [join(root, 'tools/page', entry), '--bundle', '--format=iife', '--minify', '--log-level=warning', `--outfile=${js}`]);
  });
  return js;
}

/** The map, and the codes of the countries that are on it. */
function map() {
  const [svg, codes] = [join(work, 'world.svg'), join(work, 'world.json')];
  step('world', ['tools/map.mjs', 'package-lock.json'], [svg, codes], () => run(process.execPath, [join(root, 'tools/map.mjs'), svg, codes]));
  return { svg, ...JSON.parse(readFileSync(codes, 'utf8')) };
}

function tracker() {
  const sources = ['tracker', 'tools/tracker.mjs', 'package-lock.json', 'rust-toolchain.toml'];
  step('tracker', sources, [join(site, 'tracker.js'), join(site, 'tracker.json')], () => run(process.execPath, [join(root, 'tools/tracker.mjs')]));
}

/** Puts a file into pkg/ under its content's name, with its .br, and says how large it travels. */
function publish(path, name, extension) {
  const bytes = readFileSync(path);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const file = `${name}-${hash}.${extension}`;
  const out = join(pkg, file);
  if (!existsSync(`${out}.br`)) {
    const quality = dev ? 1 : constants.BROTLI_MAX_QUALITY;
    const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length, [constants.BROTLI_PARAM_LGWIN]: 22 };
    writeFileSync(out, bytes);
    writeFileSync(`${out}.br`, brotliCompressSync(bytes, { params }));
  }
  return { file, size: bytes.length, travels: statSync(`${out}.br`).size };
}

mkdirSync(work, { recursive: true });
mkdirSync(pkg, { recursive: true });
if (existsSync(join(root, 'public'))) cpSync(join(root, 'public'), site, { recursive: true });
tracker();
const css = style();
const drawing = charts();
const page = conveniences('page', 'entry.js');
const realtime = conveniences('realtime', 'realtime.js');
const world = map();
const { js, wasm } = pages();

const published = {
  js: publish(js, 'footfall', 'js'),
  wasm: publish(wasm, 'footfall', 'wasm'),
  css: publish(css, 'style', 'css'),
  page: publish(page, 'page', 'js'),
  realtime: publish(realtime, 'realtime', 'js'),
  charts: publish(drawing, 'charts', 'js'),
  world: publish(world.svg, 'world', 'svg'),
};
const kept = new Set(Object.values(published).flatMap(({ file }) => [file, `${file}.br`]));
for (const name of readdirSync(pkg)) if (!kept.has(name)) rmSync(join(pkg, name), { recursive: true });

const manifest = { sizes: {}, countries: world.countries.join(' '), dots: world.dots.join(' ') };
for (const [kind, { file, size, travels }] of Object.entries(published)) {
  manifest[kind] = `/pkg/${file}`;
  manifest.sizes[kind] = { bytes: size, brotli: travels };
  console.log(`${kind.padEnd(8)} ${String(travels).padStart(8)} B brotli  ${String(size).padStart(9)} B  ${file}`);
}
const text = `${JSON.stringify(manifest, null, 2)}\n`;
const manifestPath = join(site, 'manifest.json');
// Left alone when nothing changed: the server that embeds it is then up to date too.
if (!existsSync(manifestPath) || readFileSync(manifestPath, 'utf8') !== text) writeFileSync(manifestPath, text);

const first = published.js.travels + published.wasm.travels + published.page.travels;
console.log(`first dashboard page: ${first} B brotli of script before charts (limit ${LIMIT})`);
if (!dev && first > LIMIT) {
  console.error('too large: see what grew with `twiggy top` on target/assets/release/footfall.wasm');
  process.exit(1);
}
