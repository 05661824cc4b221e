// ECharts, only the parts that the pages use, behind two functions. Built by tools/assets.mjs, called by app/src/chart/engine.rs.
import { BarChart, LineChart } from 'echarts/charts';
import { AxisPointerComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([AxisPointerComponent, BarChart, GridComponent, LineChart, SVGRenderer, TooltipComponent]);

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif';
const units = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
/** What is drawn, by element. */
const drawn = new Map();

function compact(n) {
  for (const [size, unit] of units) {
    if (n >= size) return `${Math.floor((n / size) * 10) / 10}${unit}`;
  }
  return String(n);
}

// richText has its own markup: braces and bars of a label must not start a style.
const plain = (text) => String(text).replace(/[{}|]/g, ' ');

function tip(tips, at) {
  const { when, now, then, change } = tips[at];
  const compared = then === null ? '' : `\n{then|${plain(then)}}${change === null ? '' : `  {change|${plain(change)}}`}`;
  return `{when|${plain(when)}}\n{now|${plain(now)}}${compared}`;
}

// Follows the crosshair, but never leaves the chart.
function place(point, _params, _dom, _rect, { contentSize: [width], viewSize: [room] }) {
  return [point[0] + 16 + width > room ? point[0] - 16 - width : point[0] + 16, 12];
}

function paint({ chart, element, option: text, tips }) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--chart-${name}`).trim();
  const option = JSON.parse(text, (_, value) => (typeof value === 'string' && value[0] === '$' ? colour(value.slice(1)) : value));
  option.textStyle = { fontFamily: font };
  option.yAxis.axisLabel.formatter = compact;
  option.yAxis.axisLabel.margin = 8;
  option.xAxis.axisLabel.margin = 12;
  Object.assign(option.tooltip, {
    renderMode: 'richText',
    confine: true,
    transitionDuration: 0,
    position: place,
    backgroundColor: colour('tip'),
    borderColor: colour('tip-edge'),
    borderWidth: 1,
    borderRadius: 6,
    padding: [8, 12],
    shadowBlur: 0,
    formatter: (params) => tip(tips, params[0].dataIndex),
    textStyle: {
      fontFamily: font,
      rich: {
        when: { fontSize: 12, lineHeight: 18, color: colour('label') },
        now: { fontSize: 16, lineHeight: 22, fontWeight: 600, color: colour('text') },
        then: { fontSize: 12, lineHeight: 18, color: colour('label') },
        change: { fontSize: 12, lineHeight: 18, color: colour('text') },
      },
    },
  });
  for (const series of option.series) series.emphasis = { disabled: series.type === 'bar' };
  chart.setOption(option, { notMerge: true });
}

function draw(element, option, tips) {
  let known = drawn.get(element);
  if (!known) {
    const chart = init(element, null, { renderer: 'svg' });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(element);
    known = { element, chart, watch };
    drawn.set(element, known);
  }
  Object.assign(known, { option, tips: JSON.parse(tips) });
  paint(known);
}

function dispose(element) {
  const known = drawn.get(element);
  if (!known) return;
  known.watch.disconnect();
  known.chart.dispose();
  drawn.delete(element);
}

const repaint = () => drawn.forEach(paint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ['data-theme'] });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

globalThis.footfallCharts = { draw, dispose };
