// ECharts, only the parts that the pages use, behind two functions. Built by tools/assets.mjs, called by app/src/chart/engine.rs.
import { BarChart, LineChart } from 'echarts/charts';
import { AxisPointerComponent, GridComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([AxisPointerComponent, BarChart, GridComponent, LineChart, SVGRenderer, TooltipComponent]);

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif';
const units = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
const drawn = new WeakMap();

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

function draw(element, option, tips) {
  let known = drawn.get(element);
  if (!known || known.chart.isDisposed()) {
    const chart = init(element, null, { renderer: 'svg' });
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(element);
    known = { chart, watch };
    drawn.set(element, known);
  }
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  option.textStyle = { fontFamily: font };
  option.yAxis.axisLabel.formatter = compact;
  option.xAxis.axisLabel.margin = 12;
  option.xAxis.axisLabel.alignMinLabel = option.xAxis.boundaryGap ? undefined : 'left';
  option.xAxis.axisLabel.alignMaxLabel = option.xAxis.boundaryGap ? undefined : 'right';
  Object.assign(option.tooltip, {
    renderMode: 'richText',
    confine: true,
    transitionDuration: 0,
    position: place,
    backgroundColor: colour('--chart-tip'),
    borderColor: colour('--chart-tip-edge'),
    borderWidth: 1,
    borderRadius: 6,
    padding: [8, 12],
    shadowBlur: 0,
    formatter: (params) => tip(tips, params[0].dataIndex),
    textStyle: {
      fontFamily: font,
      rich: {
        when: { fontSize: 12, lineHeight: 18, color: colour('--chart-label') },
        now: { fontSize: 16, lineHeight: 22, fontWeight: 600, color: colour('--chart-text') },
        then: { fontSize: 12, lineHeight: 18, color: colour('--chart-label') },
        change: { fontSize: 12, lineHeight: 18, color: colour('--chart-text') },
      },
    },
  });
  for (const series of option.series) series.emphasis = { disabled: series.type === 'bar' };
  known.chart.setOption(option, { notMerge: true });
}

function dispose(element) {
  const known = drawn.get(element);
  if (!known) return;
  known.watch.disconnect();
  known.chart.dispose();
  drawn.delete(element);
}

globalThis.footfallCharts = { draw, dispose };
