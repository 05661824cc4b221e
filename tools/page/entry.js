// The small conveniences of every page, 2 KB: menus that close, the theme, copying, the guess of a time zone, a search, going anywhere by
// a few letters, values to choose from, the wait for a first event and for slow forms, what can be told without a connection.
// Nothing depends on it: without script the pages are complete. Built by tools/assets.mjs.
const { documentElement: root } = document;
const closeMenus = (keep) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== keep) menu.open = false;
};

// A form has said its filter, or somebody wrote filters in another way: the address says them as links do from here on.
const meant = document.querySelector('form[data-address]')?.dataset.address;
const filtersOf = (address) => String(new URL(address, location).searchParams.getAll('f'));
if (meant && (new URLSearchParams(location.search).has('field') || filtersOf(location) !== filtersOf(meant))) {
  history.replaceState(history.state, '', meant);
}

// What came of a form is said once: loaded again, the page shows what is.
const here = new URL(location);
const once = ['said', '__err', '__path'].filter((name) => here.searchParams.has(name));
for (const name of once) here.searchParams.delete(name);
if (once.length) history.replaceState(history.state, '', here);

// Without a connection the page stays, and says so and of when its figures are; what would leave it or ask for more waits. A server on this machine
// can be reached without any network: so the server is asked, and then again until it answers.
const made = new Date();
let since;
const tell = (stays) => {
  const line = document.querySelector('.offline');
  if (!line) return;
  const figures = document.querySelector('.bar-period, .sites') && line.dataset.figures.replace('{time}', since);
  line.textContent = since ? [stays ? line.dataset.stays : line.dataset.offline, figures].filter(Boolean).join(' ') : '';
};
const lookForServer = async () => {
  if (await fetch('/health', { cache: 'no-store', signal: AbortSignal.timeout(5000) }).then(() => true, () => false)) {
    since = undefined;
    tell();
    return;
  }
  if (!since) {
    // Live figures are those of this moment, others those of when the page was made.
    const of = document.querySelector('.pill') ? new Date() : made;
    since = of.toLocaleTimeString(root.lang, { hour: '2-digit', minute: '2-digit' });
    tell();
  }
  setTimeout(lookForServer, 2000);
};
addEventListener('offline', () => since || lookForServer());
if (!navigator.onLine) lookForServer();
const hold = (event) => {
  const link = event.target instanceof Element && event.target.closest('a[href]');
  if (!since || (event.type === 'click' && (!link || link.getAttribute('href').startsWith('#')))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  closeMenus();
  tell(true);
};
for (const event of ['click', 'submit']) addEventListener(event, hold, true);

// On paper a page says where it is from.
addEventListener('beforeprint', () => { document.body.dataset.address = location.href; });

// Parts of a page are written at different times. A link that changes part of the address changes it as it is now; one that leads to another page of
// the domain takes along what all of them share.
const shared = ['period', 'from', 'to', 'compare', 'compare_from', 'compare_to', 'interval', 'metric', 'pages', 'sources', 'places', 'devices', 'goals', 'f'];
/** Where a link leads: those of a drawing do not say it themselves. */
const address = (link) => new URL(link.getAttribute('href'), location);
const freshen = ({ target }) => {
  const link = target instanceof Element && target.closest('a[data-set]');
  if (!link) return;
  const [to, now] = [address(link), new URLSearchParams(location.search)];
  if (to.pathname !== location.pathname) for (const name of [...now.keys()]) if (!shared.includes(name)) now.delete(name);
  let filters = now.getAll('f');
  let at = filters.length;
  for (const [name, value] of new URLSearchParams(link.dataset.set)) {
    if (name === 'add') filters.splice(at++, 0, value);
    else if (name === 'drop') {
      const stays = (filter) => filter !== value && !(value.endsWith(',') && filter.startsWith(value));
      at = filters.findIndex((filter) => !stays(filter));
      filters = filters.filter(stays);
      if (at < 0) at = filters.length;
    } else if (value) now.set(name, value);
    else now.delete(name);
  }
  now.delete('f');
  for (const filter of filters) now.append('f', filter);
  // Commas and slashes may stand in an address as they are.
  to.search = String(now).replace(/%2C|%2F/g, decodeURIComponent);
  link.setAttribute('href', to);
};
for (const event of ['pointerdown', 'click']) addEventListener(event, freshen, true);

// A link to another state of the dashboard changes the address, and the page follows it.
addEventListener('click', (event) => {
  const link = event.target instanceof Element && event.target.closest('a:not([rel=external], [target], [download])');
  if (!link || !('live' in root.dataset) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const to = address(link);
  if (to.origin !== location.origin || to.pathname !== location.pathname) return;
  event.preventDefault();
  if (to.search !== location.search) history.pushState(null, '', to);
  dispatchEvent(new PopStateEvent('popstate'));
  if (!('noscroll' in link.dataset)) scrollTo(0, 0);
});

addEventListener('click', ({ target }) => {
  if (!(target instanceof Element)) return;
  const menu = target.closest('details.menu');
  closeMenus(target.closest('a') ? null : menu);

  const theme = target.closest('[data-theme-button]');
  if (theme) {
    const order = ['system', 'light', 'dark'];
    const next = order[(order.indexOf(root.dataset.theme) + 1) % 3];
    root.dataset.theme = next;
    document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax`;
    theme.title = theme.dataset[next];
    theme.setAttribute('aria-label', theme.title);
  }

  const copy = target.closest('[data-copy]');
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
      const label = copy.querySelector('[aria-live]');
      const before = label.textContent;
      if (before === copy.dataset.copied) return;
      label.textContent = copy.dataset.copied;
      setTimeout(() => { label.textContent = before; }, 2000);
    });
  }
});

// What takes a while says so, and is not sent twice.
addEventListener('submit', ({ submitter }) => {
  if (!submitter?.dataset.working) return;
  submitter.textContent = submitter.dataset.working;
  setTimeout(() => { submitter.disabled = true; });
});

// A list is narrowed while its search is typed; the slash leads there.
const search = document.querySelector('[data-search]');
search?.addEventListener('input', () => {
  let found = false;
  for (const row of document.querySelectorAll('[data-name]')) {
    row.hidden = !row.dataset.name.includes(search.value.trim().toLowerCase());
    found ||= !row.hidden;
  }
  document.querySelector('[data-none]').hidden = found;
});

// Whether letters are switched off; where nothing may be stored they are not.
const areOff = (off) => {
  try {
    if (off !== undefined) localStorage.setItem('keys', off ? 'off' : 'on');
    return localStorage.getItem('keys') === 'off';
  } catch {
    return false;
  }
};

// Ctrl-K leads anywhere.
const palette = document.querySelector('[data-palette]');
if (palette) {
  const field = palette.querySelector('input');
  const keys = palette.querySelector('[data-keys]');
  const entries = [...palette.querySelectorAll('a')];
  let at = 0;
  keys.checked = !areOff();
  keys.addEventListener('change', () => areOff(!keys.checked));
  entries.forEach((entry, index) => { entry.id = `palette-${index}`; });
  const shown = () => entries.filter((entry) => !entry.parentElement.hidden);
  const choose = (index) => {
    const list = shown();
    at = list.length ? (index + list.length) % list.length : 0;
    entries.forEach((entry) => entry.setAttribute('aria-selected', entry === list[at]));
    field.setAttribute('aria-activedescendant', list[at]?.id ?? '');
    list[at]?.scrollIntoView({ block: 'nearest' });
    palette.querySelector('.palette-none').hidden = list.length > 0;
  };
  const narrow = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const entry of entries) {
      const text = entry.textContent.toLowerCase();
      entry.parentElement.hidden = !words.every((word) => text.includes(word));
    }
    choose(0);
  };
  const open = () => {
    closeMenus(null);
    field.value = '';
    palette.showModal();
    narrow();
  };
  field.addEventListener('input', narrow);
  field.addEventListener('keydown', (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) choose(at + steps[event.key]);
    else if (event.key === 'Enter') shown()[at]?.click();
    else return;
    event.preventDefault();
  });
  addEventListener('click', ({ target }) => {
    if (target === palette) palette.close();
    else if (target instanceof Element && target.closest('[data-open-palette]')) open();
  });
  addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (palette.open) palette.close();
    else open();
  });
}

// Letters and arrows choose the period, the slash leads to the search, where they are not switched off.
addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || palette?.open || areOff()) return;
  if (target instanceof Element && target.closest('input, select, textarea, [role=region], .menu[open]')) return;
  const known = document.querySelector(`[data-key="${CSS.escape(key.toLowerCase())}"]`);
  if (!known) return;
  event.preventDefault();
  if (!known.matches('input, select')) return known.click();
  closeMenus(null);
  const menu = known.closest('details');
  if (menu) menu.open = true;
  known.focus();
});

// What a value of a filter may be is asked for when one is about to be typed.
addEventListener('focusin', async ({ target }) => {
  const form = target.name === 'value' && target.closest('[data-values]');
  const field = form && form.elements.field.value;
  const list = form && form.querySelector('datalist');
  if (!form || list.dataset.of === field) return;
  list.dataset.of = field;
  list.textContent = '';
  for (const input of form.querySelectorAll('[name=value]')) input.setAttribute('list', list.id);
  const answer = await fetch(`${form.dataset.values}&field=${encodeURIComponent(field)}`).catch(() => ({}));
  const options = answer.ok ? await answer.json() : '';
  if (list.dataset.of === field) list.innerHTML = options;
});

addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape') return;
  document.querySelector('details.menu[open] > summary')?.focus();
  closeMenus(null);
});

for (const select of document.querySelectorAll('select[data-guess-zone]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some(({ value }) => value === zone)) select.value = zone;
}

for (const waiting of document.querySelectorAll('[data-waiting]:not(.waiting-done)')) {
  const stream = new EventSource(`/api/analytics/live?domainId=${waiting.dataset.waiting}`);
  const look = ({ data }) => {
    if (!JSON.parse(data).hasEvents) return;
    stream.close();
    waiting.classList.add('waiting-done');
    waiting.querySelector('.waiting-title').textContent = waiting.dataset.doneTitle;
    waiting.querySelector('.waiting-text').textContent = waiting.dataset.doneText;
    document.querySelector('[data-when-done]')?.classList.add('button-main');
  };
  stream.addEventListener('snapshot', look);
  stream.addEventListener('tick', look);
}
