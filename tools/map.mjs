// Draws the countries of the world as one SVG file of shapes, each under its ISO code: <path id="DE"/>. Pages refer to the shapes they
// need by <use href="…#DE">, so a map is a few lines of HTML, and the shapes travel once. "land" is all of them.
//
// The borders are those of Natural Earth (public domain) as world-atlas (ISC) packs them: TopoJSON, whose arcs are shared by neighbours.
// Each arc is projected and simplified on its own, so that neighbours still fit. The projection is Equal Earth: areas compare.
// Antarctica is left out.
//
// Usage: node tools/map.mjs OUT.svg CODES.json; the second file is {countries, dots}: all codes that have a shape, and those that are dots.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Units across the map; its height follows. app/src/parts/map.rs says the same. */
const WIDTH = 1000;
/** What an arc may be off by when it loses points. */
const TOLERANCE = 0.35;
/** Islands below so many square units are left out where a country has more. */
const LEAST_AREA = 0.6;
/** A country that is smaller than this in both directions could not be seen, nor hit: what stands for it is a dot. */
const SMALL = 5;
/** Its size. */
const DOT = 7;
/** What the frame begins and ends with at the equator: so nothing lies on both of its sides. */
const [WEST, EAST] = [-177, 183];

/** Places with a code of their own that Natural Earth counts to another country: by the box that they lie in, degrees. */
const PARTS_OF = {
  FR: {
    GF: [-55, 2, -51, 6],
    GP: [-62, 15.8, -60.9, 16.6],
    MQ: [-61.3, 14.3, -60.7, 15],
    RE: [55, -21.5, 56, -20.7],
    YT: [44.9, -13.1, 45.4, -12.5],
  },
  NO: { SJ: [8, 74, 36, 82] },
};
/** They go on beyond 180°: Russia and Fiji. */
const ACROSS = ['643', '242'];
/** Territories of Natural Earth without a code: counted as the code by which visitors are located there. */
const BY_NAME = { Kosovo: 'XK', 'N. Cyprus': 'CY', Somaliland: 'SO' };

const topology = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('world-atlas/countries-50m.json')));

/** Equal Earth (Šavrič, Patterson, Jenny 2018). */
function project([longitude, latitude]) {
  const [a1, a2, a3, a4] = [1.340264, -0.081106, 0.000893, 0.003796];
  const root = Math.sqrt(3) / 2;
  const angle = Math.asin(root * Math.sin((latitude * Math.PI) / 180));
  const square = angle * angle;
  const sixth = square ** 3;
  const x = ((longitude * Math.PI) / 180) * Math.cos(angle) / (root * (a1 + 3 * a2 * square + sixth * (7 * a3 + 9 * a4 * square)));
  return [x, -angle * (a1 + a2 * square + sixth * (a3 + a4 * square))];
}
const left = project([WEST, 0])[0];
const scale = WIDTH / (project([EAST, 0])[0] - left);
/** Just above the north of Greenland, just below the south of Chile. */
const [top, bottom] = [project([0, 84])[1], project([0, -56.5])[1]];
const height = Math.ceil((bottom - top) * scale);
const place = (point) => {
  const [x, y] = project(point);
  return [(x - left) * scale, (y - top) * scale];
};

/** Douglas and Peucker. The ends stay. */
function simplified(points) {
  if (points.length < 3) return points;
  const [[x1, y1], [x2, y2]] = [points[0], points.at(-1)];
  const length = Math.hypot(x2 - x1, y2 - y1);
  let [far, at] = [0, 0];
  points.slice(1, -1).forEach(([x, y], index) => {
    const off = length ? Math.abs((x2 - x1) * (y1 - y) - (x1 - x) * (y2 - y1)) / length : Math.hypot(x - x1, y - y1);
    if (off > far) [far, at] = [off, index + 1];
  });
  if (far <= TOLERANCE) return [points[0], points.at(-1)];
  return [...simplified(points.slice(0, at + 1)).slice(0, -1), ...simplified(points.slice(at))];
}

const degrees = topology.arcs.map((arc) => {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => [
    (x += dx) * topology.transform.scale[0] + topology.transform.translate[0],
    (y += dy) * topology.transform.scale[1] + topology.transform.translate[1],
  ]);
});
for (const { arcs, id } of topology.objects.countries.geometries) {
  if (!ACROSS.includes(id)) continue;
  for (const n of arcs.flat(2)) for (const point of degrees[n < 0 ? ~n : n]) if (point[0] < 0) point[0] += 360;
}
const placed = degrees.map((arc) => arc.map(place));
const simple = placed.map(simplified);

/** A ring of arcs: a negative number is the arc `~n` walked backwards. */
const ring = (arcs, from) => arcs.flatMap((n) => (n < 0 ? [...from[~n]].reverse() : from[n]).slice(0, -1));
const area = (points) => Math.abs(points.reduce((sum, [x, y], at) => {
  const [nextX, nextY] = points[(at + 1) % points.length];
  return sum + x * nextY - nextX * y;
}, 0)) / 2;
const box = (points) => {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
};

/** Polygons by code; "" is land without one. */
const countries = new Map();
for (const { type, arcs, id, properties } of topology.objects.countries.geometries) {
  if (id === '010' || !arcs) continue;
  // A numeric code is an alias of the two letters.
  const code = BY_NAME[properties.name] ?? (id ? Intl.getCanonicalLocales(`und-${id}`)[0].slice('und-'.length) : '');
  for (const polygon of type === 'Polygon' ? [arcs] : arcs) {
    const [west, south, east, north] = box(ring(polygon[0], degrees));
    const part = Object.entries(PARTS_OF[code] ?? {}).find(([, [w, s, e, n]]) => west >= w && south >= s && east <= e && north <= n);
    const owner = part ? part[0] : code;
    countries.set(owner, [...(countries.get(owner) ?? []), polygon]);
  }
}

const short = (tenths) => String(tenths / 10).replace(/^(-?)0\./, '$1.');
/** Tenths of a unit, each point as steps from the one before. */
function drawn(points) {
  const tenths = points.map(([x, y]) => [Math.round(x * 10), Math.round(y * 10)]);
  const kept = tenths.filter(([x, y], at) => at === 0 || x !== tenths[at - 1][0] || y !== tenths[at - 1][1]);
  if (kept.length < 3) return '';
  const steps = kept.slice(1).map(([x, y], at) => {
    const [dx, dy] = [short(x - kept[at][0]), short(y - kept[at][1])];
    return dy.startsWith('-') ? `${dx}${dy}` : `${dx} ${dy}`;
  });
  const path = steps.reduce((before, step) => (step.startsWith('-') ? `${before}${step}` : `${before} ${step}`));
  return `M${short(kept[0][0])} ${short(kept[0][1])}l${path}z`;
}

/** Where a country is a dot; none for one that can be seen. */
function dot(polygons) {
  const outlines = polygons.map((polygon) => ring(polygon[0], placed));
  const size = ([x1, y1, x2, y2]) => Math.max(x2 - x1, y2 - y1);
  const largest = box(outlines.reduce((one, other) => (area(one) > area(other) ? one : other)));
  if (size(largest) >= SMALL) return undefined;
  // Atolls lie apart: the dot is where most of the land is, unless all of it is one speck.
  const all = box(outlines.flat());
  const [x1, y1, x2, y2] = size(all) < SMALL ? all : largest;
  const r = DOT / 2;
  return `M${((x1 + x2) / 2 - r).toFixed(1)} ${((y1 + y2) / 2).toFixed(1)}a${r} ${r} 0 1 0 ${DOT} 0a${r} ${r} 0 1 0-${DOT} 0z`;
}

function outline(polygons) {
  const kept = polygons.filter((polygon) => area(ring(polygon[0], placed)) >= LEAST_AREA);
  return kept.map((polygon) => polygon.map((arcs) => drawn(ring(arcs, simple))).join('')).join('');
}

const path = (code, d) => (d ? `<path${code ? ` id="${code}"` : ''} d="${d}"/>` : '');
const [land, dots, known, small] = [[], [], [], []];
for (const [code, polygons] of [...countries].sort()) {
  const at = code ? dot(polygons) : undefined;
  const shape = outline(polygons);
  if (code && !at && !shape) throw new Error(`nothing is left of ${code}`);
  land.push(path(at ? '' : code, shape));
  dots.push(path(code, at));
  if (code) known.push(code);
  if (at) small.push(code);
}
const [svg, codes] = process.argv.slice(2);
// Dots are drawn where they are referred to: they are no land.
const parts = `<defs>${dots.join('')}</defs><g id="land">${land.join('')}</g>`;
writeFileSync(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}">${parts}</svg>\n`);
writeFileSync(codes, `${JSON.stringify({ countries: known, dots: small })}\n`);
