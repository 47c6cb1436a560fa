import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCS_FOLDER, RESULTS_FOLDER } from '../folders.ts';
import { describeMachine, type MachineFacts } from '../machine.ts';
import type { Options } from '../options.ts';
import { setupsOf } from '../setups.ts';
import { openWorkshop } from '../workshop.ts';
import { growAudit } from './audit.ts';
import { drawGrowth } from './chart.ts';
import { type Growth, type Line, SECTIONS, type SectionName } from './points.ts';
import { growPrograms } from './programs.ts';
import { growSessions } from './sessions.ts';
import { formatTables } from './tables.ts';
import { growTraffic } from './traffic.ts';

const GROW = { sessions: growSessions, programs: growPrograms, traffic: growTraffic, audit: growAudit };

/** What is kept of runs: each section's figures with the machine and the day of its own. */
export interface Kept {
  readonly runs: Readonly<
    Partial<Record<SectionName, { readonly startedAt: string; readonly machine: MachineFacts }>>
  >;
  readonly lines: readonly Line[];
}

const BETWEEN = /(<!-- growth -->\n)[\s\S]*(?=<!-- end of growth -->)/;

/**
 * `npm run bench -- growth`: the same things with more and more in the stores. A section's figures take the place of its
 * last ones in docs/growth.json, of which the picture and the tables of docs/performance.md are made; with --small they
 * go to the results, and nothing in docs/ changes.
 */
export async function runGrowth(
  sections: readonly SectionName[],
  isSmall: boolean,
  options: Options,
  say: (text: string) => void,
): Promise<void> {
  const folder = isSmall ? RESULTS_FOLDER : DOCS_FOLDER;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'growth.json');
  for (const section of sections) {
    const startedAt = new Date().toISOString();
    const machine = describeMachine();
    const lines: Line[] = [];
    const workshop = await openWorkshop(options);
    const growth: Growth = { workshop, isSmall, say };
    try {
      for (const setup of await setupsOf(workshop)) lines.push(...(await GROW[section](growth, setup)));
    } finally {
      await workshop.close();
    }
    // After each, so that one that fails costs none of the others.
    const before = readKept(file);
    const kept: Kept = {
      runs: { ...before.runs, [section]: { startedAt, machine } },
      lines: SECTIONS.flatMap((each) =>
        each === section ? lines : before.lines.filter((line) => line.section === each),
      ),
    };
    writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
    writeFileSync(join(folder, 'growth.svg'), drawGrowth(kept.lines));
    writeTables(folder, formatTables(kept));
  }
  say(`Written to ${file}, with the picture and the tables beside it.`);
}

function readKept(file: string): Kept {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { runs: {}, lines: [] };
  }
}

/** Into the page where figures of docs/ belong; others get a file of their own. */
function writeTables(folder: string, tables: string): void {
  if (folder !== DOCS_FOLDER) {
    writeFileSync(join(folder, 'growth.md'), tables);
    return;
  }
  const page = join(folder, 'performance.md');
  const text = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    text.replace(BETWEEN, (_found, begin: string) => `${begin}${tables}`),
  );
}
