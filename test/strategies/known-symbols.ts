import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Services } from '../../src/compose.ts';
import { SYSTEM_ORIGIN } from '../../src/core/audit-event.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { KITE_HEADER } from '../symbols/sample-master.ts';

const LINES = [
  '779521,3045,SBIN,STATE BANK OF INDIA,0,,0,0.05,1,EQ,NSE,NSE',
  '408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE',
  '3640064,14219,IMC1,SEC RE NCGB 8.25% STRPP B,0,,0,0.01,1,EQ,NSE,NSE',
  '3641344,14224,IMC1,SEC RE NCGB 8.25% STRPP C,0,,0,0.01,1,EQ,NSE,NSE',
  '12074498,47166,NIFTY26DEC25000CE,NIFTY,0,2026-12-31,25000,0.05,75,CE,NFO-OPT,NFO',
];

/** Imports a master of NSE:SBIN, NSE:INFY, two bonds NSE:IMC1 and NFO:NIFTY26DEC25000CE, as an administrator would; or of a day later, without one. */
export async function importKnownSymbols({ symbols }: Services, without?: string): Promise<void> {
  const scratch = createScratchDirectory('symbols');
  const file = join(scratch.path, 'instruments.csv');
  const lines = LINES.filter((line) => without === undefined || !line.includes(`,${without},`));
  await writeFile(file, `${[KITE_HEADER, ...lines].join('\n')}\n`);
  const handle = await open(file);
  try {
    const request = { fileName: 'instruments.csv', broker: 'zerodha', origin: SYSTEM_ORIGIN };
    const start = await symbols.importer.begin(request);
    if (start.kind !== 'started') throw new Error('Another import is running');
    const outcome = await start.started.run(handle);
    if (outcome.status !== 'done') throw new Error(`The import ended: ${JSON.stringify(outcome)}`);
  } finally {
    await handle.close();
    scratch.remove();
  }
}
