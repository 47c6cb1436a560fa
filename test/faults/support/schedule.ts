import { createRandom, type Random } from './random.ts';

export const FAULT_KINDS = [
  'redis_killed',
  'redis_paused',
  'redis_restored',
  'redis_cut',
  'redis_stalled',
  'redis_swallowed',
  'redis_slow',
  'redis_full',
  'messages_lost',
  'postgres_stopped',
  'postgres_paused',
  'postgres_cut',
  'postgres_stalled',
  'postgres_swallowed',
  'postgres_slow',
  'node_killed',
  'node_paused',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Whose stretch of network, or which node. */
  readonly node: number;
  /** Milliseconds from the schedule's beginning. */
  readonly startMs: number;
  readonly lastsMs: number;
}

/** All that a node can be cut off from its database by, or stopped. */
export const KEEPS_FROM_DATABASE: ReadonlySet<FaultKind> = new Set([
  'postgres_stopped',
  'postgres_paused',
  'postgres_cut',
  'postgres_stalled',
  'postgres_swallowed',
  'postgres_slow',
  'node_paused',
]);

/** Of whole servers, whatever node they were planned for. */
export const OF_ALL_NODES: ReadonlySet<FaultKind> = new Set([
  'redis_killed',
  'redis_paused',
  'redis_restored',
  'redis_full',
  'messages_lost',
  'postgres_stopped',
  'postgres_paused',
]);

export const ACTIONS = [
  'sign_in',
  'look',
  'look_with_ended',
  'log_out',
  'log_out_everywhere',
  'end_other_device',
  'end_other_devices',
  'connect_broker',
  'hold_form',
  'open_socket',
  'open_socket_with_ended',
  'subscribe',
  'admin_ends_account',
  'operator_sweeps',
] as const;
export type Action = (typeof ACTIONS)[number];

export interface PlannedStep {
  readonly action: Action;
  readonly node: number;
  readonly pauseMs: number;
  /** From 0 to below 1: which of the sessions that there are by then. */
  readonly choice: number;
}

/** What one schedule does to whom. A pure function of its seed; how the steps interleave is the machine's business. */
export interface Schedule {
  readonly seed: number;
  readonly lastsMs: number;
  /** When all clocks jump to the next cutoff, in milliseconds from the beginning; in some schedules not at all. */
  readonly cutoffAtMs: number | undefined;
  readonly faults: readonly PlannedFault[];
  /** For each person their steps, done one after the other until time is up. */
  readonly steps: readonly (readonly PlannedStep[])[];
}

const LASTS_MS = 3000;
const STEPS = 60;

/** Two independent rows of faults, so that they also meet. */
const ROWS = [
  ['redis_killed', 'redis_paused', 'redis_restored', 'postgres_stopped', 'postgres_paused'],
  FAULT_KINDS,
] as const satisfies readonly (readonly [FaultKind, ...FaultKind[]])[];

const ACTION_WEIGHTS: Readonly<Record<Action, number>> = {
  sign_in: 12,
  look: 30,
  look_with_ended: 20,
  log_out: 9,
  log_out_everywhere: 4,
  end_other_device: 5,
  end_other_devices: 4,
  connect_broker: 8,
  hold_form: 8,
  open_socket: 14,
  open_socket_with_ended: 6,
  subscribe: 10,
  admin_ends_account: 4,
  operator_sweeps: 1,
};

const BAG = ACTIONS.flatMap((action) => Array<Action>(ACTION_WEIGHTS[action]).fill(action)) as [
  Action,
  ...Action[],
];

export function createSchedule(seed: number, { people, nodes }: { people: number; nodes: number }): Schedule {
  const random = createRandom(seed);
  return {
    seed,
    lastsMs: LASTS_MS,
    cutoffAtMs: random.next() < 0.5 ? random.between(300, LASTS_MS - 300) : undefined,
    faults: ROWS.flatMap((kinds) => planFaults(random, kinds, nodes)),
    steps: Array.from({ length: people }, () =>
      Array.from({ length: STEPS }, () => ({
        action: random.pick(BAG),
        node: random.between(0, nodes - 1),
        pauseMs: random.between(0, 120),
        choice: random.next(),
      })),
    ),
  };
}

/** One after the other, and some schedules have none in a row. */
function planFaults(
  random: Random,
  kinds: readonly [FaultKind, ...FaultKind[]],
  nodes: number,
): readonly PlannedFault[] {
  const faults: PlannedFault[] = [];
  let startMs = random.between(200, 1500);
  while (startMs < LASTS_MS - 500 && random.next() < 0.75) {
    const lastsMs = random.between(150, 1800);
    faults.push({ kind: random.pick(kinds), node: random.between(0, nodes - 1), startMs, lastsMs });
    startMs += lastsMs + random.between(100, 800);
  }
  return faults;
}

export function describeSchedule({ seed, cutoffAtMs, faults }: Schedule): string {
  const list = faults.map(
    ({ kind, node, startMs, lastsMs }) => `${kind} (${'AB'[node]}) at ${startMs} for ${lastsMs} ms`,
  );
  if (cutoffAtMs !== undefined) list.push(`the cutoff at ${cutoffAtMs} ms`);
  return `seed ${seed}: ${list.join(', ') || 'no faults'}`;
}
