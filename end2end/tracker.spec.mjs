// The built tracker in a real browser: `node tools/tracker.mjs && node --test end2end/tracker.spec.mjs`.
import "./tracker/pageviews.mjs";
import "./tracker/engagement.mjs";
import "./tracker/events.mjs";
import "./tracker/exclusions.mjs";
import "./tracker/delivery.mjs";
import "./tracker/strange-pages.mjs";
