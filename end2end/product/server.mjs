// The product itself on a free port with an empty data folder, and sites of other people's beside it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The server refuses settings that it does not know; those of the shell are none of the test's. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name === "FOOTFALL_LIBCHDB" || !(name.startsWith("FOOTFALL_") || name === "PORT")),
);

/** What is looked at. */
export const binary = process.env.FOOTFALL_TEST_BINARY ?? new URL("../../target/debug/footfall", import.meta.url).pathname;

/** A running server: `base`, `setup` (the one-time link) and `stop`. */
export async function startProduct() {
  const folder = await mkdtemp(join(tmpdir(), "footfall-browser-"));
  const child = spawn(binary, ["serve", "--data", join(folder, "data"), "--listen", "127.0.0.1:0"], {
    env: { ...inherited, FOOTFALL_METRICS_LISTEN: "127.0.0.1:0", FOOTFALL_RATE_LIMIT_CLIENT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const product = { base: undefined, setup: undefined, data: join(folder, "data"), log: () => log };
  for await (const line of createInterface({ input: child.stdout })) {
    const [label, value] = line.trim().split(/\s+/, 2);
    if (label === "open") product.base = value;
    if (label === "setup") product.setup = value;
    if (label === "ready") break;
  }
  if (!product.base) throw new Error(`the server did not start:\n${log}`);
  child.stdout.resume();
  product.pid = child.pid;
  product.run = (...args) => run([...args, "--data", product.data]);
  product.stop = async () => {
    if (child.exitCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  return product;
}

/** A command of the command line; its stdout. */
async function run(args) {
  const child = spawn(binary, args, { env: inherited, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`footfall ${args.join(" ")} ended with ${code}: ${err}`);
  return out;
}

/** A web server for the pages of a measured site: path → HTML. */
export async function startSite(pages) {
  const server = createServer((request, response) => {
    const html = pages[new URL(request.url, "http://site").pathname];
    response.writeHead(html ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
    response.end(html ?? "not found");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: server.address().port, close: () => new Promise((resolve) => server.close(resolve)) };
}
