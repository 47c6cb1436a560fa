import { fileURLToPath } from 'node:url';
import { startChild } from '../child-process.ts';
import { alternate, type Comparison, type Sample } from '../comparison.ts';
import { openSilentSockets } from '../load/silent-sockets.ts';
import type { Workshop } from '../workshop.ts';

const SERVER = fileURLToPath(new URL('../servers/fan-out.ts', import.meta.url));
const CLIENTS = 500;
const SYMBOLS = 50;
const TIMES_A_SECOND = 20;
const MS = 1_000;

/** 50 symbols to 500 sockets. A tick of all of them waits for the one before, so the share of a core at 20 a second is computed. */
export async function compareFanOut(workshop: Workshop): Promise<readonly Comparison[]> {
  const { options } = workshop;
  const ticks = Math.round(options.seconds * TIMES_A_SECOND);
  const measure = async (how: 'bare' | 'curfew') => {
    const child = startChild({ module: SERVER, cpu: workshop.placement.server });
    workshop.atEnd(child.stop);
    const { port } = await child.ask<{ port: number }>({ how });
    const clients = await openSilentSockets(port, CLIENTS);
    workshop.atEnd(async () => clients.close());
    return async (): Promise<Sample> => {
      const before = clients.bytes;
      const { cpuMs } = await child.ask<{ cpuMs: number }>({ rounds: ticks });
      const frames = ticks * SYMBOLS * CLIENTS;
      return {
        'µs/frame': (cpuMs * MS) / frames,
        'cores at 20 Hz': (cpuMs / ticks) * (TIMES_A_SECOND / MS),
        'bytes/frame': (clients.bytes - before) / frames,
      };
    };
  };
  const subjects = { 'ws alone': await measure('bare'), Curfew: await measure('curfew') };
  return [
    {
      title: `${SYMBOLS} symbols at ${TIMES_A_SECOND} Hz to ${CLIENTS} sockets`,
      metrics: [
        { name: 'µs/frame', better: 'less', digits: 2 },
        { name: 'cores at 20 Hz', better: 'less', digits: 2 },
        { name: 'bytes/frame', better: undefined, digits: 0 },
      ],
      subjects: await alternate(subjects, options.rounds),
    },
  ];
}
