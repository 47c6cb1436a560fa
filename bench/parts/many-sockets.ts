import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChild } from '../child-process.ts';
import { alternate, type Comparison } from '../comparison.ts';
import { openSilentSockets } from '../load/silent-sockets.ts';
import type { Workshop } from '../workshop.ts';

const SERVER = fileURLToPath(new URL('../servers/many-sockets.ts', import.meta.url));
const SOCKETS = 10_000;

interface Facts {
  readonly sockets: number;
  readonly memoryMb: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** 10,000 sockets of one process at the cutoff: how long until the last is closed, and how long the process is deaf meanwhile. */
export async function measureManySockets(workshop: Workshop): Promise<readonly Comparison[]> {
  return [
    {
      title: `${SOCKETS} sockets at the cutoff`,
      metrics: [
        { name: 'ms to last close', better: undefined, digits: 0 },
        { name: 'loop p99 ms', better: undefined, digits: 0 },
        { name: 'loop longest ms', better: undefined, digits: 0 },
        { name: 'MB before', better: undefined, digits: 0 },
        { name: 'MB with sockets', better: undefined, digits: 0 },
      ],
      subjects: await alternate({ Curfew: () => measure(workshop) }, Math.min(3, workshop.options.rounds)),
    },
  ];
}

async function measure(workshop: Workshop) {
  const child = startChild({ module: SERVER, cpu: workshop.placement.server });
  workshop.atEnd(child.stop);
  const { port, keys } = await child.ask<{ port: number; keys: readonly string[] }>({ ask: 'start' });
  const before = await child.ask<Facts>({ ask: 'facts' });
  const clients = await Promise.all(
    keys.map((key) => openSilentSockets(port, SOCKETS / keys.length, { 'X-API-Key': key })),
  );
  const full = await child.ask<Facts>({ ask: 'facts' });
  if (full.sockets !== SOCKETS) throw new Error(`${full.sockets} sockets are open`);
  const cutoffAt = performance.now();
  await child.ask<Facts>({ ask: 'cutoff' });
  const lastClose = Math.max(...(await Promise.all(clients.map(({ allClosed }) => allClosed))));
  await sleep(100);
  const after = await child.ask<Facts>({ ask: 'facts' });
  await child.stop();
  return {
    'ms to last close': lastClose - cutoffAt,
    'loop p99 ms': after.p99Ms,
    'loop longest ms': after.longestMs,
    'MB before': before.memoryMb,
    'MB with sockets': full.memoryMb,
  };
}
