import type { Clock } from '../../core/clock.ts';
import { ENDS, type SocketEnd } from '../../core/close-codes.ts';
import type { Draining } from '../../http/draining.ts';
import type { RegisteredSocket, SocketOwner, SocketRegistry } from '../../sessions/socket-registry.ts';
import type { Admission } from '../admission.ts';
import type { LiveRules } from '../live-rules.ts';
import { findRule } from '../rules.ts';
import { judge } from '../verdict.ts';
import { createExchange, type Exchange, registrationOf } from './exchange.ts';

export interface ExchangesDeps {
  /** Registry through which a revocation, the clock and the closing of this server end exchanges. */
  readonly sockets: Pick<SocketRegistry, 'add' | 'remove'>;
  /** Whether what an exchange was let in with still counts; undefined when it does. */
  readonly judgeOwner: (owner: SocketOwner) => Promise<SocketEnd | undefined>;
  /** Ends it as soon as its key is known to have ended; returns how to stop that. */
  readonly watchKey: (registered: RegisteredSocket) => () => void;
  readonly rules: Pick<LiveRules, 'current' | 'onChange'>;
  readonly usernameKey: (username: string) => string;
  readonly draining: Pick<Draining, 'onBegin'>;
  readonly clock: Clock;
}

/** The exchanges of this node. */
export interface Exchanges {
  /**
   * Does the work of an exchange, unless its session or key has ended meanwhile: then it answers with what ended it.
   * `owner`: undefined under a public rule.
   */
  run(
    admission: Admission,
    owner: SocketOwner | undefined,
    work: (exchange: Exchange) => Promise<void>,
  ): Promise<SocketEnd | undefined>;
  readonly size: number;
  /** Whether this node is about to stop. */
  readonly isClosing: boolean;
}

export function createExchanges(deps: ExchangesDeps): Exchanges {
  const { sockets, judgeOwner, watchKey, rules, usernameKey, draining, clock } = deps;
  const open = new Map<Exchange, Admission>();
  let isClosing = false;

  /** A password that was new enough when it was let in stays so. */
  function isLetIn({ rule, target, identity, key }: Admission): boolean {
    const found = findRule(rules.current(), target);
    if (found.kind !== 'rule' || found.rule.upstream !== rule.upstream) return false;
    const asker = identity && {
      usernameKey: usernameKey(identity.username),
      role: identity.role,
      reauthenticatedAt: key === undefined ? clock.now() : undefined,
    };
    return judge(found.rule, asker, clock.now()) === 'allow';
  }

  function register(registered: RegisteredSocket): () => void {
    sockets.add(registered);
    const stopWatching = watchKey(registered);
    return () => {
      stopWatching();
      sockets.remove(registered);
    };
  }

  rules.onChange(() => {
    for (const [exchange, admission] of [...open]) if (!isLetIn(admission)) exchange.end(ENDS.forbidden);
  });
  draining.onBegin(() => {
    isClosing = true;
    for (const exchange of [...open.keys()]) exchange.end(ENDS.restarting);
  });

  return {
    async run(admission, owner, work) {
      const exchange = createExchange();
      const registered = owner && registrationOf(exchange, owner);
      open.set(exchange, admission);
      // Before it is judged: a revocation finds it there, or was stored before and is found by judging.
      const leave = registered && register(registered);
      try {
        const end = owner && (await judgeOwner(owner));
        const why = end ?? exchange.endedBy;
        if (why === undefined) await work(exchange);
        return why;
      } finally {
        open.delete(exchange);
        leave?.();
      }
    },
    get size() {
      return open.size;
    },
    get isClosing() {
      return isClosing;
    },
  };
}
