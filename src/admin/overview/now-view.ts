import { describeDuration } from '../../core/duration.ts';
import { attentionOf, type Worry } from './attention.ts';
import type { NowFigures } from './now-figures.ts';
import { partName } from './part-name.ts';

/** One figure with what it is of and where there is more. */
export interface Tile {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** Under it; '' for nothing. */
  readonly detail: string;
  readonly href: string;
  /** Whether it needs attention. */
  readonly isWorrying: boolean;
}

export interface NowView {
  readonly at: number;
  readonly cutoff: { readonly at: number; readonly left: string } | undefined;
  readonly tiles: readonly Tile[];
  readonly worries: readonly Worry[];
}

export function toNowView(now: NowFigures): NowView {
  const { at, cutoff } = now;
  return {
    at,
    cutoff: cutoff === undefined ? undefined : { at: cutoff, left: describeDuration(cutoff - at) },
    tiles: [
      sessionsTile(now),
      brokersTile(now),
      bansTile(now),
      waitingTile(now),
      partsTile(now),
      chainTile(now),
    ],
    worries: attentionOf(now),
  };
}

function sessionsTile({ live: { sessions, people } }: NowFigures): Tile {
  const detail =
    people === undefined
      ? 'of more people than can be counted quickly'
      : `of ${counted(people, 'person', 'people')}`;
  return tile('sessions', 'Live sessions', count(sessions), detail, '/security/sessions');
}

function brokersTile({ brokers }: NowFigures): Tile {
  const connected = brokers.filter(({ connections }) => connections > 0);
  const sum = connected.reduce((total, { connections }) => total + connections, 0);
  const detail = connected.map(({ name, connections }) => `${name} ${count(connections)}`).join(', ');
  return tile('brokers', 'Broker connections', count(sum), detail || 'with no broker', '/broker/logouts');
}

function bansTile({ bans }: NowFigures): Tile {
  return tile(
    'banned',
    'Banned addresses',
    count(bans),
    bans === 0 ? 'none' : 'refused at the gate',
    '/security/bans',
  );
}

function waitingTile({ revocations, logouts, messages }: NowFigures): Tile {
  const detail = `${counted(revocations.waiting, 'revocation', 'revocations')}, ${counted(logouts.open, 'logout at a broker', 'logouts at brokers')}, ${counted(messages.open, 'message', 'messages')}`;
  const sum = revocations.waiting + logouts.open + messages.open;
  return tile('waiting', 'Pending', count(sum), detail, '/security/revocations', revocations.waiting > 0);
}

function partsTile({ parts }: NowFigures): Tile {
  const silent = parts.filter(({ isAnswering }) => !isAnswering).map(({ name }) => partName(name));
  const names = parts.map(({ name }) => partName(name)).join(', ');
  return silent.length === 0
    ? tile('parts', 'Dependencies', 'Healthy', names, '/security/load')
    : tile('parts', 'Dependencies', 'Not healthy', silent.join(', '), '/security/load', true);
}

function chainTile({ chain: { problem, checkedAt }, at }: NowFigures): Tile {
  if (problem !== undefined) return tile('chain', 'Audit chain', 'Broken', problem, '/security/audit', true);
  return checkedAt === 0
    ? tile('chain', 'Audit chain', 'Not verified yet', 'the server does it once a day', '/security/audit')
    : tile('chain', 'Audit chain', 'Verified', ago(at - checkedAt), '/security/audit');
}

function tile(
  id: string,
  label: string,
  value: string,
  detail: string,
  href: string,
  isWorrying = false,
): Tile {
  return { id, label, value, detail, href, isWorrying };
}

const ago = (ms: number): string => (ms < 60_000 ? 'just now' : `${describeDuration(ms)} ago`);
const count = (number: number): string => number.toLocaleString('en-IN');
const counted = (number: number, one: string, many: string): string =>
  `${count(number)} ${number === 1 ? one : many}`;
