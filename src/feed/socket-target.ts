import { endByRevocation } from '../core/close-codes.ts';
import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { SocketRegistry } from '../sessions/socket-registry.ts';
import type { Bus } from '../storage/bus.ts';
import type { Upstreams } from './prices/upstreams.ts';

/**
 * Closes sockets here, and asks every other node to do the same. With its last socket a stream of prices ends. The receipt
 * counts those of this node.
 */
export function createSocketTarget(
  sockets: SocketRegistry,
  upstreams: Pick<Upstreams, 'countIn'>,
  bus: Pick<Bus, 'publish'>,
): RevocationTarget {
  return {
    name: 'sockets',
    async revoke({ scope, reason }) {
      const before = upstreams.countIn(scope);
      const count = await sockets.endInScope(scope, endByRevocation(reason));
      const streams = Math.max(0, before - upstreams.countIn(scope));
      await bus.publish({ kind: 'sockets.end', scope, reason });
      const withThem =
        streams === 0 ? '' : streams === 1 ? ' with a price stream' : ` with ${streams} price streams`;
      return { count, detail: `on this server${withThem}; all others were told` };
    },
  };
}

/** Closes here what another node has revoked. A message that is lost is made up for by the socket monitor. */
export function listenForSocketEnds(sockets: SocketRegistry, bus: Pick<Bus, 'onMessage'>, log: Log): void {
  bus.onMessage((message) => {
    if (message.kind !== 'sockets.end') return;
    sockets
      .endInScope(message.scope, endByRevocation(message.reason))
      .catch((err: unknown) => log.error({ err }, 'Sockets that another node revoked could not be closed'));
  });
}
