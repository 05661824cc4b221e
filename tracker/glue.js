// The tracker as it runs on a page: what to count, what to leave out, and the way to the collector. Engaged time and scroll depth
// are accounted by the core (src/page.rs), which tools/tracker.mjs puts in place of CORE. docs/tracker.md explains the attributes.
//
// Rules: the first pageview waits for nothing; no cookie, and no storage but the opt-in `data-session="storage"`; nothing thrown
// here reaches the host page, so each entry from outside goes through `safe`; sloppy mode on purpose, so that writing to a frozen
// `history` is silent. Written for its compressed size: repeat a form that is there already before adding a new one.
{
  const safe =
    (act) =>
    (...args) => {
      try {
        return act(...args);
      } catch {}
    };

  safe(() => {
    const view = window;
    const page = document;
    const script = page.currentScript;
    const options = script.dataset;
    const api = options.api || new URL("/api/events", script.src);
    const fragment = "hash" in options ? "" : /#.*/;

    // Two script tags would count everything twice.
    if (view.footfall?.on) return;

    // Calls that wait for the document to be seen; 0 once it has been.
    let waiting = [...(view.footfall?.q || [])];
    // What every event of the current page says of it, and where the page is for the router.
    let current;
    let place;
    let referrer = page.referrer;
    // The core's one function, once there.
    let observe;

    // Version 4. randomUUID is missing in insecure contexts, getRandomValues is not.
    const uuid = () =>
      ([1e7] + -1e3 + -4e3 + -8e3 + -1e11).replace(/[018]/g, (digit) =>
        (digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (digit / 4)))).toString(16),
      );

    // The event has its id, so a repetition is harmless: 1, 4, 16 and 64 seconds after a refusal for now or a lost connection.
    const send = safe((event, done, body = JSON.stringify(event), tries = 0) => {
      if (
        (!("local" in options) && /^(localhost|127[.\d]+|\[::1]|)$/.test(location.hostname)) ||
        (!("test" in options) && navigator.webdriver) ||
        safe(() => localStorage.footfall_ignore == "true")()
      ) {
        if (done) done();
      } else
        fetch(api, { method: "POST", body, keepalive: true, credentials: "omit" })
          .then(
            (answer) => answer.status,
            () => {},
          )
          .then(
            safe((status) => {
              if (!(status < 429 || tries > 3)) setTimeout(send, 4 ** tries * 1e3, 0, 0, body, tries + 1);
              if (done) done(status);
            }),
          );
    });

    const account = safe(
      (occasion) =>
        observe &&
        observe(
          performance.now(),
          !page.hidden && page.hasFocus(),
          scrollY + innerHeight,
          page.documentElement.scrollHeight,
          occasion,
        ),
    );

    const url = () => location.href.replace(fragment, "");
    const where = () => url().replace(/\?[^#]*/, "");

    const track = safe((name, details) => {
      const id = uuid();
      if (!current || name == "pageview") {
        account(2);
        place = where();
        current = {
          domain: options.domain,
          hash: !fragment || undefined,
          url: details?.url || url(),
          pageId: id,
          sessionId: safe(() => {
            if (options.session == "storage") return (sessionStorage.footfall_session ||= uuid());
          })(),
        };
      }
      send(
        {
          name,
          referrer,
          viewport: { width: innerWidth, height: innerHeight },
          screen: { width: screen.width, height: screen.height },
          title: page.title,
          language: navigator.language,
          ...current,
          id,
          ...details,
        },
        details?.callback,
      );
      referrer = current.url;
      // Once: where a policy forbids WASM, each attempt would complain in the console. 0 means tried.
      observe ??=
        WebAssembly.instantiate(
          Uint8Array.from(atob(CORE), (char) => char.charCodeAt()),
          {
            g: {
              r: (engagementMs, scrollDepth) =>
                send({ name: "engagement", ...current, id: uuid(), engagementMs, scrollDepth }),
            },
          },
        ).then(
          (core) => {
            observe = core.instance.exports.o;
            account();
          },
          () => {},
        ) && 0;
    });

    // Everything that happens comes here: look where the page is, whether it is seen, and tell the core.
    const look = safe((event) => {
      if (event.persisted ? event.type == "pageshow" : where() != place) waiting ||= [];
      if (waiting && !page.hidden) {
        const calls = waiting;
        waiting = 0;
        if (!("manual" in options)) track("pageview");
        calls.forEach((args) => track(...args));
      }
      account(page.hidden || event.type == "pagehide");
    });

    ["scroll", "focus", "blur", "pageshow", "pagehide", "popstate", "visibilitychange"].forEach((name) =>
      addEventListener(name, look),
    );
    setInterval(look, 6e4, 0);
    look(0);
    view.footfall = (...args) => {
      if (waiting) waiting.push(args);
      else track(...args);
    };
    view.footfall.on = 1;
    ["pushState", "replaceState"].forEach((name) => {
      const original = history[name];
      history[name] = function (...args) {
        const result = original.apply(this, args);
        look(0);
        return result;
      };
    });
  })();
}
