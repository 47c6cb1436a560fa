import { join } from 'node:path';
import { startChild } from '../child-process.ts';
import { BENCH_FOLDER } from '../folders.ts';
import type { Order } from './main.ts';
import type { ProbeOrder, ProbeResult } from './probing.ts';
import type { SaturationOrder, SaturationResult } from './saturation.ts';
import type { SignInOrder, SignInResult } from './sign-ins.ts';

/** A process that makes load. Takes one order at a time, and rejects when an answer of the server was not the right one. */
export interface LoadGenerator {
  saturate(order: Omit<SaturationOrder, 'kind'>): Promise<SaturationResult>;
  signIn(order: Omit<SignInOrder, 'kind'>): Promise<SignInResult>;
  probe(order: Omit<ProbeOrder, 'kind'>): Promise<ProbeResult>;
  stop(): Promise<void>;
}

export function startLoadGenerator(cpu: number | undefined): LoadGenerator {
  const child = startChild({ module: join(BENCH_FOLDER, 'load/main.ts'), cpu });

  async function give<Result>(order: Order): Promise<Result> {
    const answer = await child.ask<{ result: Result } | { problem: string }>(order);
    if ('problem' in answer) throw new Error(answer.problem);
    return answer.result;
  }

  return {
    saturate: (order) => give({ kind: 'saturation', ...order }),
    signIn: (order) => give({ kind: 'sign-ins', ...order }),
    probe: (order) => give({ kind: 'probes', ...order }),
    stop: () => child.stop(),
  };
}
