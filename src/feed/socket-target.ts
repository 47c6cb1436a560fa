import type { Log } from '../core/log.ts';
import type { RevocationTarget } from '../core/revocation.ts';
import type { Bus } from '../storage/bus.ts';
import { endByRevocation } from './close-codes.ts';
import type { SocketRegistry } from './socket-registry.ts';

/** Closes sockets here, and asks every other node to do the same. The receipt counts those of this node. */
export function createSocketTarget(sockets: SocketRegistry, bus: Pick<Bus, 'publish'>): RevocationTarget {
  return {
    name: 'sockets',
    async revoke({ scope, reason }) {
      const count = await sockets.endInScope(scope, endByRevocation(reason));
      await bus.publish({ kind: 'sockets.end', scope, reason });
      return { count, detail: 'on this server; all others were told' };
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
