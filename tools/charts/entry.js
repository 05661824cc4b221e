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
    known = { element, chart, watch, tip: makeTip(element) };
    drawn.set(element, known);
    const live = known;
    chart.on('updateAxisPointer', ({ axesInfo: [axis] }) => tell(live, axis?.value));
    chart.getZr().on('globalout', () => tell(live, -1));
  }
  Object.assign(known, { option, words: JSON.parse(words) });
  paint(known);
}

function dispose(element) {
  const known = drawn.get(element);
  if (!known) return;
  known.watch.disconnect();
  known.chart.dispose();
  known.tip.remove();
  drawn.delete(element);
}

const repaint = () => drawn.forEach(paint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme'] });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

globalThis.footfallCharts = { draw, dispose };
