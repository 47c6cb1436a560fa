import { setTimeout as sleep } from 'node:timers/promises';
import { nextCutoff } from '../../../src/core/cutoff.ts';
import type { Receipt } from '../../../src/core/revocation.ts';
import { keptFormIn } from '../../support/visitor.ts';
import type { Reply } from './browser.ts';
import { connectBroker } from './connect-broker.ts';
import { type Device, letsIn, signInDevice } from './device.ts';
import type { History, PageRequest, Revocation, RevokedScope } from './history.ts';
import type { House, Inhabitant, Office } from './house.ts';
import type { MachineClock } from './machine-clock.ts';
import type { Action, PlannedStep } from './schedule.ts';
import { createSocketHolder } from './socket-holder.ts';

/** Whoever a session belongs to, and whether somebody has asked to end it. */
export interface HeldSession {
  readonly device: Device;
  readonly person: Inhabitant;
  endAsked: boolean;
}

/** The people of a house, doing what a schedule says, with everything that they see written down. */
export interface Household {
  readonly sessions: readonly HeldSession[];
  act(person: Inhabitant, step: PlannedStep): Promise<void>;
  /** Asks for a page with a session at a node. */
  look(session: HeldSession, node: number): Promise<PageRequest['outcome']>;
  signIn(person: Inhabitant, node: number): Promise<HeldSession | undefined>;
  /** Begins a form with a session at a node; its rest is sent by what this answers. Undefined where it could not begin. */
  hold(session: HeldSession, node: number): Promise<(() => Promise<PageRequest['outcome']>) | undefined>;
  /** Opens a WebSocket with a session at a node, and keeps it. */
  openSocket(session: HeldSession, node: number): Promise<PageRequest['outcome']>;
  /** On a socket of the session, where one is open. */
  subscribe(session: HeldSession): Promise<PageRequest['outcome']>;
  /** A program asks for somebody's broker token, of an office that keeps what it was given in its caches. */
  readToken(person: Inhabitant, office: Office, name: string): Promise<void>;
  /** All clocks reach the next cutoff. */
  passCutoff(clock: MachineClock): Promise<void>;
  /** Forgets sessions that were looked at often enough. */
  forget(forgotten: (session: HeldSession) => boolean): void;
}

const OPERATOR = { actor: 'operator' };

/** A form that writes to the database and may be sent any number of times. */
const FORM = '/settings';
const FORM_FIELDS = {
  theme: 'dark',
  dateFormat: 'iso',
  alertMinutes: '5',
  idleTimeout: 'server',
  defaultBroker: 'server',
};
/** Long enough for faults and revocations to come in between. */
const HELD_TIMES_PAUSE = 5;
/** Of one session. */
const MOST_SOCKETS = 2;

export function createHousehold(house: House, history: History, now: () => number): Household {
  const { lifecycle } = house.office.services.sessions;
  const { sweep } = house.office.services.revocation;
  const { registry } = house.office.services;
  let sessions: HeldSession[] = [];
  const sockets = createSocketHolder(house, history, now);
  let revocations = 0;

  const originOf = (node: number): string => house.origins[node] ?? '';
  const ofPerson = (person: Inhabitant): HeldSession[] => sessions.filter((held) => held.person === person);

  function choose(person: Inhabitant, { choice }: PlannedStep, ended: boolean): HeldSession | undefined {
    const candidates = ofPerson(person).filter((held) => held.endAsked === ended);
    return candidates[Math.floor(choice * candidates.length)];
  }

  async function signIn(person: Inhabitant, node: number): Promise<HeldSession | undefined> {
    const startedAt = now();
    const { device } = await signInDevice(house.browser, originOf(node), person);
    if (device === undefined) return undefined;
    history.add({
      kind: 'sign_in',
      session: device.session,
      user: person.username,
      startedAt,
      endedAt: now(),
    });
    const held = { device, person, endAsked: false };
    sessions.push(held);
    return held;
  }

  /** The page behind the sign-in opens a WebSocket, which stays. */
  async function arrive(person: Inhabitant, node: number): Promise<void> {
    const held = await signIn(person, node);
    if (held !== undefined) await sockets.open(held.device, node);
  }

  async function look({ device }: HeldSession, node: number): Promise<PageRequest['outcome']> {
    const startedAt = now();
    const outcome = outcomeOf(await device.page(originOf(node)));
    const name = house.nodes[node]?.name ?? '';
    history.add({ kind: 'page', session: device.session, node: name, startedAt, endedAt: now(), outcome });
    return outcome;
  }

  async function hold({ device }: HeldSession, node: number) {
    const form = await device.hold(originOf(node), FORM, FORM_FIELDS).catch(() => undefined);
    if (form === undefined) return undefined;
    return async (): Promise<PageRequest['outcome']> => {
      const startedAt = now();
      const outcome = outcomeOfForm(await form.finish());
      const name = house.nodes[node]?.name ?? '';
      const { session } = device;
      history.add({ kind: 'page', as: 'form', session, node: name, startedAt, endedAt: now(), outcome });
      return outcome;
    };
  }

  async function revoke(
    {
      what,
      scope,
      closesWith,
      mayEndAllOf,
    }: Pick<Revocation, 'what' | 'scope' | 'closesWith' | 'mayEndAllOf'>,
    order: () => Promise<Revocation['report']>,
  ): Promise<void> {
    revocations += 1;
    const id = String(revocations);
    const startedAt = now();
    for (const held of sessions) if (isIn(scope, held)) held.endAsked = true;
    const report = await order();
    const also = mayEndAllOf === undefined ? {} : { mayEndAllOf };
    history.add({
      kind: 'revocation',
      id,
      what,
      scope,
      closesWith,
      ...also,
      startedAt,
      endedAt: now(),
      report,
    });
  }

  async function readToken(
    { username, userId }: Inhabitant,
    { services }: Office,
    name: string,
  ): Promise<void> {
    const startedAt = now();
    const reading = await services.brokers.reader.accessToken(userId, 'sandbox').catch(() => undefined);
    if (reading?.kind !== 'token') return;
    const { token } = reading;
    history.add({ kind: 'token', token, user: username, node: name, startedAt, endedAt: now() });
  }

  const doing: Readonly<Record<Action, (person: Inhabitant, step: PlannedStep) => Promise<unknown>>> = {
    sign_in: (person, { node }) => arrive(person, node),

    async look(person, step) {
      const held = choose(person, step, false);
      if (held === undefined) await arrive(person, step.node);
      else await look(held, step.node);
    },

    async look_with_ended(person, step) {
      const held = choose(person, step, true);
      if (held !== undefined) await look(held, step.node);
    },

    async log_out(person, step) {
      const held = choose(person, step, false);
      if (held === undefined) return;
      const { device } = held;
      const scope = { kind: 'session', session: device.session } as const;
      const logout = { what: `logout at ${step.node}`, scope, closesWith: 'logged_out' } as const;
      await revoke({ ...logout, mayEndAllOf: person.username }, async () =>
        reportOf(await device.logOut(originOf(step.node)), '/auth/login?reason=logged_out'),
      );
    },

    async log_out_everywhere(person, step) {
      const held = choose(person, step, false);
      if (held === undefined) return;
      const scope = { kind: 'user', user: person.username } as const;
      await revoke({ what: `logout everywhere at ${step.node}`, scope, closesWith: 'revoked' }, async () =>
        reportOf(
          await held.device.logOut(originOf(step.node), { everywhere: true }),
          '/auth/login?reason=logged_out',
        ),
      );
    },

    async end_other_device(person, step) {
      const [held, other] = ofPerson(person).filter((one) => !one.endAsked);
      if (held === undefined || other === undefined) return;
      const deviceId = await deviceIdOf(other).catch(() => undefined);
      if (deviceId === undefined) return;
      const scope = { kind: 'session', session: other.device.session } as const;
      const what = `device ended from the devices page at ${step.node}`;
      await revoke({ what, scope, closesWith: 'revoked', mayEndAllOf: person.username }, async () =>
        reportOf(
          await submitProved(held, originOf(step.node), `/sessions/${deviceId}/revocation`),
          '/sessions',
        ),
      );
    },

    async end_other_devices(person, step) {
      const held = choose(person, step, false);
      if (held === undefined) return;
      const scope = { kind: 'user', user: person.username, except: held.device.session } as const;
      const what = `other devices ended at ${step.node}`;
      await revoke({ what, scope, closesWith: 'revoked', mayEndAllOf: person.username }, async () =>
        reportOf(await submitProved(held, originOf(step.node), '/sessions/revocation'), '/sessions'),
      );
    },

    async connect_broker(person, step) {
      const held = choose(person, step, false);
      if (held !== undefined) await connectBroker(held.device, originOf(step.node));
    },

    async hold_form(person, step) {
      const held = choose(person, step, false);
      const finish = held && (await hold(held, step.node));
      if (finish === undefined) return;
      await sleep(step.pauseMs * HELD_TIMES_PAUSE);
      await finish();
    },

    async open_socket(person, step) {
      const held = choose(person, step, false);
      if (held === undefined) return;
      if (sockets.openOf(held.device).length < MOST_SOCKETS) await sockets.open(held.device, step.node);
      else await sockets.subscribe(held.device);
    },

    async open_socket_with_ended(person, step) {
      const held = choose(person, step, true);
      if (held !== undefined) await sockets.open(held.device, step.node);
    },

    async subscribe(person, step) {
      const reading = ofPerson(person).filter(({ device }) => sockets.openOf(device).length > 0);
      const held = reading[Math.floor(step.choice * reading.length)];
      if (held !== undefined) await sockets.subscribe(held.device);
    },

    async admin_ends_account({ username, userId }) {
      const scope = { kind: 'user', user: username } as const;
      await revoke({ what: 'an administrator’s order', scope, closesWith: 'revoked' }, () =>
        receiptReport(lifecycle.endAccount(userId, 'ended_by_admin', OPERATOR)),
      );
    },

    async operator_sweeps() {
      await revoke({ what: 'an operator’s sweep', scope: { kind: 'all' }, closesWith: 'cutoff' }, () =>
        receiptReport(sweep.run(now(), OPERATOR)),
      );
    },
  };

  async function deviceIdOf({ device, person }: HeldSession): Promise<string | undefined> {
    const devices = await registry.listByUser(person.userId);
    return devices.find(({ sid }) => decodeURIComponent(device.session).startsWith(`s:${sid}.`))?.deviceId;
  }

  return {
    get sessions() {
      return sessions;
    },
    act: async (person, step) => void (await doing[step.action](person, step)),
    look,
    hold,
    signIn,
    openSocket: ({ device }, node) => sockets.open(device, node),
    subscribe: ({ device }) => sockets.subscribe(device),
    readToken,
    passCutoff: (clock) =>
      revoke({ what: 'the cutoff', scope: { kind: 'all' }, closesWith: 'cutoff' }, () => {
        const from = now();
        clock.set(nextCutoff(clock.now(), house.office.services.policy.current().cutoffTime));
        history.add({ kind: 'clock_set', from, to: now() });
        return Promise.resolve('done');
      }),
    forget(forgotten) {
      sessions = sessions.filter((held) => !forgotten(held));
    },
  };
}

/** With the password once more, where the page asks for it. */
async function submitProved({ device, person }: HeldSession, origin: string, path: string): Promise<Reply> {
  const reply = await device.submit(origin, path);
  if (keptFormIn(reply) === undefined) return reply;
  await device.submit(origin, '/auth/confirm', { password: person.password });
  return device.submit(origin, path);
}

function isIn(scope: RevokedScope, { device, person }: HeldSession): boolean {
  switch (scope.kind) {
    case 'session':
      return scope.session === device.session;
    case 'user':
      return scope.user === person.username && scope.except !== device.session;
    case 'all':
      return true;
  }
}

function outcomeOf(reply: Reply): PageRequest['outcome'] {
  if (letsIn(reply)) return 'in';
  if (reply.status === 303) return 'out';
  return reply.status === 503 ? 'unavailable' : 'none';
}

function reportOf(reply: Reply, doneAt: string): Revocation['report'] {
  if (reply.status === 303 && reply.location === doneAt) return 'done';
  return reply.status === 503 && reply.text.includes('The revocation is stored') ? 'stored' : 'unknown';
}

async function receiptReport(order: Promise<Receipt | undefined>): Promise<Revocation['report']> {
  try {
    return (await order)?.status === 'done' ? 'done' : 'stored';
  } catch {
    return 'unknown';
  }
}

function outcomeOfForm({ status, location }: Pick<Reply, 'status' | 'location'>): PageRequest['outcome'] {
  if (status === 303) return location.startsWith('/auth/login') ? 'out' : 'in';
  return status === 503 ? 'unavailable' : 'none';
}
