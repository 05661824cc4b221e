// ECharts, only the parts that the pages use, behind two functions. Built by tools/assets.mjs, called by app/src/chart/engine.rs.
import { BarChart, LineChart } from 'echarts/charts';
import { AxisPointerComponent, GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([AxisPointerComponent, BarChart, GridComponent, LineChart, MarkLineComponent, SVGRenderer, TooltipComponent]);

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif';
/** What is drawn, by element. */
const drawn = new Map();

/** The exact figures of the bucket under the crosshair, as text beside it. It never leaves the chart. */
function tell({ element, chart, words, tip }, at) {
  const known = words.tips[at];
  tip.hidden = !known;
  if (!known) return;
  const parts = { when: known.when, now: known.now, then: known.then ?? '', change: known.change ?? '', note: known.note ?? '' };
  for (const [part, text] of Object.entries(parts)) tip.querySelector(`.tip-${part}`).textContent = text;
  const x = chart.convertToPixel({ xAxisIndex: 0 }, at);
  const right = x + 16 + tip.offsetWidth > element.clientWidth;
  tip.style.left = `${right ? x - 16 - tip.offsetWidth : x + 16}px`;
}

function makeTip(element) {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  for (const part of ['when', 'now', 'then', 'change', 'note']) {
    const line = document.createElement('span');
    line.className = `tip-${part}`;
    tip.append(line);
  }
  element.append(tip);
  return tip;
}

/** The days of the buckets that the pointer is dragged over become the period: by a link, as all choices of the page are. */
function zoom(known) {
  const { element, chart } = known;
  const mark = document.createElement('div');
  const gone = new AbortController();
  const on = (target, event, act) => target.addEventListener(event, act, { signal: gone.signal });
  mark.className = 'zoom';
  mark.hidden = true;
  element.append(mark);
  let begun = null;
  const bucket = ({ clientX }) => {
    const at = chart.convertFromPixel({ xAxisIndex: 0 }, clientX - element.getBoundingClientRect().left);
    return Math.max(0, Math.min(known.words.days.length - 1, Math.round(at)));
  };
  const over = (event) => [begun, bucket(event)].sort((a, b) => a - b);
  const stop = () => { begun = null; mark.hidden = true; };
  on(element, 'pointerdown', (event) => {
    if (!known.words.days.length || event.button || event.pointerType === 'touch') return;
    begun = bucket(event);
    element.setPointerCapture(event.pointerId);
  });
  on(element, 'pointermove', (event) => {
    if (begun === null) return;
    const [left, right] = over(event).map((at) => chart.convertToPixel({ xAxisIndex: 0 }, at));
    mark.hidden = left === right;
    mark.style.left = `${left}px`;
    mark.style.width = `${right - left}px`;
  });
  on(element, 'pointerup', (event) => {
    if (begun === null) return;
    const [first, last] = over(event);
    stop();
    if (first === last) return;
    const link = document.createElement('a');
    const [[from], [, to]] = [known.words.days[first], known.words.days[last]];
    link.href = location.href;
    link.dataset.set = `period=custom&from=${from}&to=${to}&interval=&page=`;
    link.dataset.noscroll = '';
    element.append(link);
    link.click();
    link.remove();
  });
  on(element, 'pointercancel', stop);
  on(globalThis, 'keydown', ({ key }) => { if (key === 'Escape') stop(); });
  return () => {
    gone.abort();
    mark.remove();
  };
}

function paint({ chart, element, option: text, words }) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--chart-${name}`).trim();
  const option = JSON.parse(text, (_, value) => (typeof value === 'string' && value[0] === '$' ? colour(value.slice(1)) : value));
  option.textStyle = { fontFamily: font };
  option.yAxis.axisLabel.formatter = (_, at) => words.axis[at] ?? '';
  option.yAxis.axisLabel.margin = 8;
  option.xAxis.axisLabel.margin = 12;
  option.xAxis.axisLabel.hideOverlap = true;
  // Only the crosshair is ECharts'; what it says is ours (see `tell`), so no markup is ever made from data.
  option.tooltip.showContent = false;
  for (const series of option.series) series.emphasis = { disabled: series.type === 'bar' };
  chart.setOption(option, { notMerge: true });
}

function draw(element, option, words) {
  let known = drawn.get(element);
  if (!known) {
    const chart = init(element, null, { renderer: 'svg' });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(element);
    known = { element, chart, watch, tip: makeTip(element), words: JSON.parse(words) };
    known.unzoom = zoom(known);
    drawn.set(element, known);
    const live = known;
    chart.on('updateAxisPointer', ({ axesInfo: [axis] }) => tell(live, axis?.value));
    chart.getZr().on('globalout', () => tell(live, -1));
  }
  Object.assign(known, { option, words: JSON.parse(words) });
  element.classList.toggle('chart-zooms', known.words.days.length > 0);
  paint(known);
}

function dispose(element) {
  const known = drawn.get(element);
  if (!known) return;
  known.watch.disconnect();
  known.chart.dispose();
  known.tip.remove();
  known.unzoom();
  drawn.delete(element);
}

// The page turns first, and the chart with the frame after.
const repaint = () => requestAnimationFrame(() => setTimeout(() => drawn.forEach(paint)));
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme'] });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

globalThis.footfallCharts = { draw, dispose };
