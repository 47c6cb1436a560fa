import { setImmediate as nextTurn } from 'node:timers/promises';
import { type AuditFacts, storableText } from '../core/audit-chain.ts';
import type { AuditEvent, AuditLog, AuditOrigin } from '../core/audit-event.ts';
import { auditKindsOf, auditWeightOf } from '../core/audit-kind.ts';
import type { Clock } from '../core/clock.ts';
import { startOfIstHour } from '../core/ist.ts';
import type { Log } from '../core/log.ts';
import { linkRows } from '../storage/audit-hash.ts';
import type { AuditChainStore, HourCount } from './audit-chain-store.ts';

/** As many rows as are written at once: some milliseconds on SQLite, which answers within the same turn. */
const ROWS_AT_ONCE = 500;

export interface AuditLogDeps {
  readonly chain: Pick<AuditChainStore, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Events that one statement stores, and the callers that wait for it. */
interface Entry {
  readonly facts: readonly AuditFacts[];
  readonly kinds: readonly (readonly string[])[];
  /** How many of its kinds each stands for. */
  readonly weights: readonly number[];
  readonly done: () => void;
}

/**
 * The audit log as a chain of rows. One writer in each process: what comes while it is at work is written together
 * afterwards, so that a hundred sign-ins at once do not queue for the head with a connection each.
 *
 * An entry that could not be written goes to the log instead, whole: an event is nowhere to be lost, and a full disk must
 * not block logouts. The chain has no gap for it, since it got no number; how many those were is written
 * into the chain as `audit.lost` as soon as it takes rows again.
 */
export function createAuditLog({ chain, clock, log }: AuditLogDeps): AuditLog {
  const waiting: Entry[] = [];
  let writing = false;
  let lost: { events: number; since: number } | undefined;

  function toFacts(event: AuditEvent, origin: AuditOrigin): AuditFacts {
    return {
      at: clock.now(),
      type: event.type,
      userId: textOrNull(userIdOf(event)),
      actor: storableText(origin.actor),
      address: textOrNull(origin.address),
      requestId: textOrNull(origin.requestId),
      detail: storableText(JSON.stringify(event)),
    };
  }

  async function recordMany(events: readonly AuditEvent[], origin: AuditOrigin): Promise<void> {
    for (let start = 0; start < events.length; start += ROWS_AT_ONCE) {
      // Twenty thousand rows at a cutoff would block all other requests.
      if (start > 0) await nextTurn();
      const batch = events.slice(start, start + ROWS_AT_ONCE);
      await new Promise<void>((done) => {
        waiting.push({
          facts: batch.map((event) => toFacts(event, origin)),
          kinds: batch.map((event) => auditKindsOf({ ...event })),
          weights: batch.map((event) => auditWeightOf({ ...event })),
          done,
        });
        if (!writing) void writeAll();
      });
    }
  }

  async function writeAll(): Promise<void> {
    writing = true;
    for (let entries = takeSome(); entries.length > 0; entries = takeSome()) {
      await write(entries);
      for (const { done } of entries) done();
    }
    writing = false;
  }

  /** As many as fit into a statement, in their order, and one at least. */
  function takeSome(): readonly Entry[] {
    let rows = 0;
    const fitting = waiting.findIndex(({ facts }) => {
      rows += facts.length;
      return rows > ROWS_AT_ONCE;
    });
    return waiting.splice(0, fitting === -1 ? waiting.length : Math.max(1, fitting));
  }

  async function write(entries: readonly Entry[]): Promise<void> {
    const confession = lost === undefined ? [] : [confess(lost)];
    const all = [...confession, ...entries];
    const facts = all.flatMap((entry) => entry.facts);
    const hours = countHours(all);
    try {
      await chain.append((head) => ({ rows: linkRows(head, facts), hours }));
      lost = undefined;
    } catch (error) {
      const unwritten = entries.flatMap((entry) => entry.facts);
      lost = { events: (lost?.events ?? 0) + unwritten.length, since: lost?.since ?? clock.now() };
      log.error(
        { err: error, audit: unwritten },
        'The audit log could not be written; its entries are in this line',
      );
    }
  }

  function confess({ events, since }: { readonly events: number; readonly since: number }): Entry {
    const event: AuditEvent = { type: 'audit.lost', events, since };
    return {
      facts: [toFacts(event, { actor: 'system' })],
      kinds: [[event.type]],
      weights: [1],
      done: () => undefined,
    };
  }

  return { record: (event, origin) => recordMany([event], origin), recordMany };
}

const textOrNull = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : storableText(text);

function countHours(entries: readonly Entry[]): readonly HourCount[] {
  const counts = new Map<string, HourCount>();
  for (const { facts, kinds, weights } of entries) {
    for (const [index, { at }] of facts.entries()) {
      const hour = startOfIstHour(at);
      for (const kind of kinds[index] ?? []) {
        const key = `${hour} ${kind}`;
        counts.set(key, {
          hour,
          kind: storableText(kind),
          events: (counts.get(key)?.events ?? 0) + (weights[index] ?? 1),
        });
      }
    }
  }
  return [...counts.values()];
}

function userIdOf(event: AuditEvent): string | null {
  if ('userId' in event) return event.userId ?? null;
  return event.type === 'revocation.carried_out' ? (event.receipt.userId ?? null) : null;
}
