// The realtime page, while somebody looks at it: the live stream says that something happened, the server writes the parts anew, and what
// differs in them changes. Without script the page shows what is when it is loaded. Built by tools/assets.mjs into a file of its own.
const page = document.querySelector('[data-realtime]');

/** What the store knows follows an event within a second, and is asked for no more often. */
const STORED_EVERY = 1_000;
/** An answer that is no stream ends it for the browser: then this asks again. */
const RETRY = 3_000;
/** The figure is read out no more often. */
const SAID_EVERY = 10_000;
const still = matchMedia('(prefers-reduced-motion: reduce)');

// What differs becomes what the server wrote; the rest stays as it is, with its focus and its transitions.
const key = (node) => node.dataset?.key;
const isRolled = (now, next) => 'roll' in (now.dataset ?? {}) && now.textContent !== next.textContent;

function become(now, next) {
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.nodeValue !== next.nodeValue) now.nodeValue = next.nodeValue;
    return;
  }
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name);
  const left = new Set(now.childNodes);
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    const same = [...left].find((node) => node.nodeName === wanted.nodeName && key(node) === key(wanted) && !isRolled(node, wanted));
    if (same) {
      left.delete(same);
      become(same, wanted);
      if (same === at) at = at.nextSibling;
      else now.insertBefore(same, at);
    } else {
      now.insertBefore(wanted, at);
    }
    while (at && !left.has(at)) at = at.nextSibling;
  }
  for (const node of left) node.remove();
}

/** Rows that moved slide to where they are, new ones come in. */
function moving(change) {
  const rows = () => [...page.querySelectorAll('li[data-key], tr[data-key]')];
  const before = new Map(rows().map((row) => [row, row.offsetTop]));
  change();
  if (still.matches || document.hidden) return;
  const timing = { duration: 160, easing: 'cubic-bezier(0.2, 0.7, 0.3, 1)' };
  for (const row of rows()) {
    const from = before.get(row);
    if (from === undefined) row.animate([{ opacity: 0, translate: '0 -8px' }, {}], timing);
    else if (from !== row.offsetTop) row.animate([{ translate: `0 ${from - row.offsetTop}px` }, {}], timing);
  }
}

// Times by the clock of the server.
let ahead = 0;
const setClock = () => { ahead = Number(page.querySelector('[data-now]')?.dataset.now ?? Date.now()) - Date.now(); };
function tellTheTime() {
  for (const told of page.querySelectorAll('[data-ts]')) {
    const seconds = Math.max(0, Math.floor((Date.now() + ahead - Number(told.dataset.ts)) / 1_000));
    const [unit, name] = seconds < 60 ? [1, 'seconds'] : seconds < 3_600 ? [60, 'minutes'] : [3_600, 'hours'];
    const ago = page.dataset[name].replace('{n}', Math.floor(seconds / unit));
    if (told.textContent !== ago) told.textContent = ago;
  }
}

// Only the figure is read out, and not each time.
let saidAt = 0;
let toSay;
function say() {
  const said = page.querySelector('#now-said');
  const text = page.querySelector('#now')?.dataset.said;
  if (!text || text === said.dataset.last) return;
  if (said.dataset.last) {
    const wait = saidAt + SAID_EVERY - Date.now();
    clearTimeout(toSay);
    if (wait > 0) {
      toSay = setTimeout(say, wait);
      return;
    }
    said.textContent = text;
  }
  saidAt = Date.now();
  said.dataset.last = text;
}

const setAway = (away) => { page.querySelector('#now-away').hidden = !away; };

let asking = false;
let again = false;
let storedAt = 0;
async function ask() {
  if (asking) {
    again = true;
    return;
  }
  [asking, again] = [true, false];
  const stored = Date.now() - storedAt >= STORED_EVERY;
  if (stored) storedAt = Date.now();
  try {
    const asked = new URLSearchParams({ domain: page.dataset.realtime, stored });
    const answer = await fetch(`/api/app/realtime?${asked}`, { headers: { accept: 'application/json' } });
    const text = await answer.text();
    // Who was signed out is led to the sign-in form by the page.
    if (!answer.ok && text.includes('NotSignedIn')) location.reload();
    if (!answer.ok) throw new Error(text);
    const parts = document.createElement('template');
    parts.innerHTML = JSON.parse(text);
    moving(() => {
      for (const part of [...parts.content.children]) become(document.getElementById(part.id), part);
    });
    setClock();
    say();
    setAway(false);
  } catch {
    if (stored) storedAt = 0;
    setAway(true);
  }
  asking = false;
  if (again) ask();
}

let stream;
let retry;
let follow;
function close() {
  clearTimeout(retry);
  clearTimeout(follow);
  stream?.close();
  stream = undefined;
}
function open() {
  close();
  stream = new EventSource(page.dataset.stream);
  const heard = ({ data }) => {
    if ('empty' in page.dataset) {
      if (JSON.parse(data).hasEvents) location.reload();
      return;
    }
    ask();
    clearTimeout(follow);
    follow = setTimeout(ask, STORED_EVERY);
  };
  stream.addEventListener('snapshot', heard);
  stream.addEventListener('tick', heard);
  stream.addEventListener('open', () => setAway(false));
  stream.addEventListener('error', () => {
    setAway(true);
    if (stream?.readyState !== EventSource.CLOSED) return;
    // Whether it is the server that is away, or nobody is signed in any more.
    ask();
    retry = setTimeout(open, RETRY);
  });
}

if (page) {
  setClock();
  setInterval(tellTheTime, 1_000);
  if (!('empty' in page.dataset)) say();
  if (!document.hidden) open();
  // Nobody looks: nothing is asked for.
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  addEventListener('pagehide', close);
  addEventListener('pageshow', ({ persisted }) => persisted && open());
}
