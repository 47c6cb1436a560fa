import type { Kept } from './growth.ts';
import { type Line, SECTIONS, type SectionName } from './points.ts';

export const TITLES: Readonly<Record<SectionName, string>> = {
  sessions: 'live sessions',
  programs: 'API keys, and as many strategies',
  traffic: 'rows in the traffic log',
  audit: 'rows in the audit log',
};

export const wholeNumber = (value: number): string => value.toLocaleString('en-US');

/** A Markdown table for each section and way to run, as far as there are figures. */
export function formatTables({ runs, lines }: Kept): string {
  return SECTIONS.flatMap((section) => {
    const run = runs[section];
    const own = lines.filter((line) => line.section === section);
    if (run === undefined || own.length === 0) return [];
    const { node, cpu, cores, loadAverageBefore } = run.machine;
    const when = `${run.startedAt.slice(0, 10)}, Node ${node}, ${cores} cores of ${cpu}, load average ${loadAverageBefore} at the start.`;
    return [`By ${TITLES[section]}: ${when}\n`, ...bySetup(own).map((some) => formatTable(some))];
  }).join('\n');
}

export function bySetup(lines: readonly Line[]): readonly (readonly Line[])[] {
  return [...Map.groupBy(lines, ({ setup }) => setup).values()];
}

function formatTable(lines: readonly Line[]): string {
  const sizes = [...new Set(lines.flatMap(({ points }) => Object.keys(points)))];
  const header = [lines[0]?.setup ?? '', ...sizes.map((size) => wholeNumber(Number(size)))];
  const rows = lines.map(({ what, points }) => [what, ...sizes.map((size) => short(points[size]))]);
  const all = [header, header.map(() => '---'), ...rows];
  return `${all.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** Two or three digits that count. */
function short(value: number | undefined): string {
  if (value === undefined) return '-';
  if (value >= 100) return wholeNumber(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
