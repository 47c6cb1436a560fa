import { Agent, type ClientRequest } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { isIP } from 'node:net';
import { createProxyServer, type ProxyServer } from 'httpxy';
import { SECOND_MS } from '../../core/duration.ts';

/** A tool did not answer in time. */
export class UpstreamTimeoutError extends Error {
  override readonly name = 'UpstreamTimeoutError';
}

/** Makes the way to a tool for one request. `origin`: of a rule, and so never one that a client names. */
export type OpenUpstream = (origin: string) => ProxyServer;

/**
 * Each request has a connection of its own to its tool: so what one client sends can never be taken for a part of another
 * one's request, however the tool reads it.
 */
export function createUpstreams(): OpenUpstream {
  const agents = { 'http:': new Agent({ keepAlive: false }), 'https:': new TlsAgent({ keepAlive: false }) };
  return function openUpstream(origin) {
    const { protocol, hostname, port } = new URL(origin);
    const name = hostname.replace(/^\[|\]$/g, '');
    return createProxyServer({
      target: { protocol, hostname: name, port },
      agent: protocol === 'https:' ? agents['https:'] : agents['http:'],
      selfHandleResponse: true,
      // The certificate is the tool's, not that of the host in the request. No address is a server name (RFC 6066, 3).
      ssl: { servername: isIP(name) === 0 ? name : '' },
    });
  };
}

const WAITS = { connectMs: 5 * SECOND_MS, answerMs: 60 * SECOND_MS };

/**
 * Gives a request up that does not reach its tool in time (with TLS, where that is spoken), or whose answer does not begin in
 * time once all of the request was sent. What comes then may take as long as it likes.
 */
export function limitWaiting(request: ClientRequest, { connectMs, answerMs } = WAITS): void {
  const giveUp = (what: string, ms: number): NodeJS.Timeout =>
    setTimeout(
      () => request.destroy(new UpstreamTimeoutError(`The tool did not ${what} within ${ms} ms`)),
      ms,
    );
  const connecting = giveUp('take the connection', connectMs);
  let answering: NodeJS.Timeout | undefined;
  whenSocket(request, (socket) => {
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => clearTimeout(connecting));
  });
  request.once('finish', () => {
    answering = giveUp('answer', answerMs);
  });
  for (const event of ['response', 'upgrade', 'close'])
    request.once(event, () => {
      clearTimeout(connecting);
      clearTimeout(answering);
    });
}

function whenSocket(
  request: ClientRequest,
  then: (socket: NonNullable<ClientRequest['socket']>) => void,
): void {
  if (request.socket === null) request.once('socket', then);
  else then(request.socket);
}
