import { type Line, SECTIONS } from './points.ts';
import { bySetup, TITLES, wholeNumber } from './tables.ts';

const PANEL = { width: 620, height: 340, left: 64, right: 250, top: 40, bottom: 48 };
const PLOT = {
  width: PANEL.width - PANEL.left - PANEL.right,
  height: PANEL.height - PANEL.top - PANEL.bottom,
};
const COLOURS = 7;
const LABEL_HEIGHT = 14;

/** Readable on white and on black: text and axes follow the reader's scheme, the lines are of medium lightness. */
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #222 }
  .title { font-weight: 600; font-size: 13px } .axis { stroke: #888 } .grid { stroke: #8884 }
  .line { fill: none; stroke-width: 2 }
  ${['#0072b2', '#d55e00', '#009e73', '#b5651d', '#cc79a7', '#8060c0', '#808080']
    .map((colour, index) => `.c${index} { stroke: ${colour} } circle.c${index} { fill: ${colour} }`)
    .join('\n  ')}
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }`;

interface Scale {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

/** A panel for each section and way to run: time over size, both as logarithms, so that a straight slope is a power. */
export function drawGrowth(lines: readonly Line[]): string {
  const panels = SECTIONS.flatMap((section) =>
    bySetup(lines.filter((line) => line.section === section && inMs(line) !== undefined)),
  );
  const columns = 2;
  const height = Math.ceil(panels.length / columns) * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const place = `${(index % columns) * PANEL.width} ${Math.floor(index / columns) * PANEL.height}`;
    return `<g transform="translate(${place})">${drawPanel(panel)}</g>`;
  });
  const size = `width="${columns * PANEL.width}" height="${height}" viewBox="0 0 ${columns * PANEL.width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="Times over sizes, both as logarithms">
<style>${STYLE}</style>
${drawn.join('\n')}
</svg>
`;
}

interface Series {
  readonly name: string;
  readonly points: readonly (readonly [size: number, ms: number])[];
}

const IN_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000 };

/** Times only: memory and CPU stand in the tables. */
function inMs({ what, points }: Line): Series | undefined {
  const cut = what.lastIndexOf(', ');
  const measure = what.slice(cut + 2);
  const factor = IN_MS[measure.split(' ').at(-1) ?? ''];
  if (factor === undefined) return undefined;
  const name = what.slice(0, cut) + (measure.startsWith('p99') ? ' (p99)' : '');
  return { name, points: Object.entries(points).map(([size, value]) => [Number(size), value * factor]) };
}

function drawPanel(lines: readonly Line[]): string {
  const series = lines.flatMap((line) => inMs(line) ?? []).slice(0, COLOURS);
  const points = series.flatMap((each) => each.points);
  const x = scale(
    points.map(([size]) => size),
    PANEL.left,
    PANEL.left + PLOT.width,
  );
  const y = scale(
    points.map(([, ms]) => ms),
    PANEL.top + PLOT.height,
    PANEL.top,
  );
  const [first] = lines;
  const title = first === undefined ? '' : `${TITLES[first.section]}; ${first.setup}`;
  return [
    `<text class="title" x="${PANEL.left}" y="20">${title}</text>`,
    drawAxes(x, y),
    ...series.map((each, index) => drawLine(each.points, index, x, y)),
    ...drawLabels(series, y),
  ].join('\n');
}

function drawAxes(x: Scale, y: Scale): string {
  const bottom = PANEL.top + PLOT.height;
  const right = PANEL.left + PLOT.width;
  return [
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${PANEL.left}" x2="${right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/>` +
        `<text x="${PANEL.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${shortNumber(tick)}</text>`,
    ),
    ...x.ticks.map(
      (tick) => `<text x="${x.at(tick)}" y="${bottom + 16}" text-anchor="middle">${shortNumber(tick)}</text>`,
    ),
    `<path class="axis" fill="none" d="M${PANEL.left} ${PANEL.top}V${bottom}H${right}"/>`,
    `<text x="${PANEL.left + PLOT.width / 2}" y="${bottom + 34}" text-anchor="middle">how many</text>`,
    `<text transform="translate(12 ${PANEL.top + PLOT.height / 2}) rotate(-90)" text-anchor="middle">ms</text>`,
  ].join('\n');
}

function drawLine(points: readonly (readonly [number, number])[], index: number, x: Scale, y: Scale): string {
  const places = points.map(([size, ms]) => [x.at(size).toFixed(1), y.at(ms).toFixed(1)] as const);
  const path = places.map(([left, top]) => `${left} ${top}`).join('L');
  const dots = places.map(([left, top]) => `<circle class="c${index}" cx="${left}" cy="${top}" r="2.5"/>`);
  return `<path class="line c${index}" d="M${path}"/>${dots.join('')}`;
}

/** Beside the end of each line, moved apart where they would cover each other, with a stroke in its colour. */
function drawLabels(series: readonly Series[], y: Scale): readonly string[] {
  const left = PANEL.left + PLOT.width;
  const ends = series
    .map(({ name, points }, index) => ({ name, index, end: y.at(points.at(-1)?.[1] ?? 1) }))
    .sort((a, b) => a.end - b.end);
  let above = Number.NEGATIVE_INFINITY;
  // As many as there are must fit above the bottom.
  const lowest = PANEL.top + PLOT.height;
  return ends.map(({ name, index, end }, place) => {
    const most = lowest - (ends.length - 1 - place) * LABEL_HEIGHT;
    above = Math.max(above + LABEL_HEIGHT, Math.min(end, most));
    return (
      `<path class="line c${index}" d="M${left + 2} ${end.toFixed(1)}L${left + 14} ${above.toFixed(1)}"/>` +
      `<text x="${left + 18}" y="${(above + 4).toFixed(1)}">${name}</text>`
    );
  });
}

/** Powers of ten around the values. */
function scale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter((value) => value > 0);
  const least = Math.floor(Math.log10(Math.min(...positive)));
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...positive))));
  const ticks = Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index));
  const at = (value: number): number =>
    from + ((Math.log10(Math.max(value, 10 ** least)) - least) / (most - least)) * (to - from);
  return { ticks, at };
}

const shortNumber = (value: number): string =>
  value >= 1_000_000
    ? `${value / 1_000_000}M`
    : value >= 1
      ? wholeNumber(value)
      : String(Number(value.toPrecision(1)));
