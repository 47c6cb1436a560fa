import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where the server under load runs, and where everything else does. Undefined: wherever the system puts it. */
export interface Placement {
  readonly server: number | undefined;
  readonly load: number | undefined;
}

export type MachineFacts = Readonly<Record<string, string | number>>;

/** What absolute figures depend on. */
export function describeMachine(): MachineFacts {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    loadAverageBefore: loadavg()[0] ?? 0,
  };
}

/** A CPU for the server and another one for the load; neither on a machine without taskset or a second CPU. */
export function placeOnCpus(): Placement {
  const [server, load] = hasTaskset() ? allowedCpus() : [];
  return load === undefined ? { server: undefined, load: undefined } : { server, load };
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** As Linux writes them: `0-1` or `0,2-3`. */
function allowedCpus(): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
