// A web site under test on loopback: pages by path, the built tracker, and a collector that remembers what it was sent.
// Any host name leads here (see browser.mjs), so one site serves `example.org`, its tracker's host and `localhost`.
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const tracker = readFileSync(new URL("../../target/site/tracker.js", import.meta.url));
const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };

export class Site {
  /** Everything posted, oldest first: `{ event, headers, path, status }`. */
  posts = [];
  /** Requests other than GET and POST: a CORS preflight would show here. */
  preflights = 0;
  /** What the collector answers, one per post, `"drop"` for a broken connection; 202 once they are used up. */
  answers = [];
  #pages = new Map();
  #arrivals = new EventEmitter();
  #server = createServer((request, response) => this.#serve(request, response));

  static async start() {
    const site = new Site();
    site.#server.listen(0, "127.0.0.1");
    await once(site.#server, "listening");
    return site;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  url(path = "/", host = "example.org") {
    return `http://${host}:${this.#server.address().port}${path}`;
  }

  /** The snippet as a user pastes it, from the tracker's own host. */
  snippet(attributes = "data-test") {
    return `<script defer data-domain="example.org" ${attributes} src="${this.url("/tracker.js", "stats.example.net")}"></script>`;
  }

  /** Serves a page at `path` and returns its address; `headers` are for policies. */
  page(path, { attributes, head = this.snippet(attributes), body = "<p>text</p>", headers = {} } = {}) {
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page ${path}</title>${head}</head><body>${body}</body></html>`;
    this.#pages.set(path, { html, headers });
    return this.url(path);
  }

  named(name) {
    return this.posts.map((post) => post.event).filter((event) => event.name === name);
  }

  /** Resolves with all events of a name once there are `count` of them. */
  async arrived(name, count = 1) {
    await this.#until(() => this.named(name).length >= count, `${count} × ${name}`);
    return this.named(name);
  }

  /** Resolves once something was posted to `path`. */
  async called(path) {
    await this.#until(() => this.posts.some((post) => post.path === path), path);
  }

  async #until(condition, what) {
    const signal = AbortSignal.timeout(20_000);
    while (!condition()) {
      await once(this.#arrivals, "post", { signal }).catch(() => {
        throw new Error(`no ${what} within 20 s; got ${JSON.stringify(this.posts.map((post) => post.event))}`);
      });
    }
  }

  #serve(request, response) {
    const path = new URL(request.url, "http://any").pathname;
    if (request.method === "POST") {
      this.#collect(path, request, response);
    } else if (request.method !== "GET") {
      this.preflights += 1;
      response.writeHead(204, CORS).end();
    } else if (path === "/tracker.js") {
      response.writeHead(200, { "content-type": "text/javascript" }).end(tracker);
    } else if (this.#pages.has(path)) {
      const { html, headers } = this.#pages.get(path);
      response.writeHead(200, { "content-type": "text/html", ...headers }).end(html);
    } else {
      response.writeHead(204).end();
    }
  }

  #collect(path, request, response) {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const status = this.answers.shift() ?? 202;
      this.posts.push({ event: body ? JSON.parse(body) : {}, headers: request.headers, path, status });
      if (status === "drop") request.socket.destroy();
      else response.writeHead(status, CORS).end("{}");
      this.#arrivals.emit("post");
    });
  }
}
