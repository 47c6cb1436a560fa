import { appendFileSync } from 'node:fs';

/** Writes a figure down for docs/reliability.md: to the file named by FAULT_FIGURES, where one is. */
export function measured(what: string, figure: string): void {
  const file = process.env['FAULT_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${what}: ${figure}\n`);
}
