import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RedisStore } from 'connect-redis';
import { Redis } from 'ioredis';
import { connect } from '../../src/boot/connect.ts';
import { createLogger } from '../../src/boot/logger.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { SESSION_PREFIX } from '../../src/sessions/redis/redis-keys.ts';

/** Ends every session from before the cutoff that is due; with `clear`, as connect-redis would. */
export interface SweepOrder {
  readonly kind: 'sweep' | 'clear';
}

export interface SweepResult {
  readonly ended: number | undefined;
  readonly seconds: number;
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly peakResidentMb: number;
}

const config = parseConfig(process.env);
const log = createLogger(config.logLevel);
const infrastructure = await connect(config, systemClock, log);
const services = compose({ config, infrastructure, log, internalOrigin: () => config.baseUrl });
process.on('message', (order: SweepOrder) => void carryOut(order).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());

async function carryOut({ kind }: SweepOrder): Promise<SweepResult> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  const startedAt = performance.now();
  delays.enable();
  const ended = kind === 'sweep' ? await sweep() : await clear();
  const seconds = (performance.now() - startedAt) / 1000;
  delays.disable();
  return {
    ended,
    seconds,
    loopP99Ms: delays.percentile(99) / 1e6,
    loopMaxMs: delays.max / 1e6,
    peakResidentMb: process.resourceUsage().maxRSS / 1024,
  };
}

async function sweep(): Promise<number | undefined> {
  const receipt = await services.revocation.sweep.runIfDue();
  return receipt?.lines.find((line) => line.step === 'sessions')?.count;
}

async function clear(): Promise<undefined> {
  const client = new Redis(process.env['REDIS_URL'] ?? '');
  await new RedisStore({ client, prefix: SESSION_PREFIX }).clear();
  client.disconnect();
}
