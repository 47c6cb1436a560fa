import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Express, Request, Response } from 'express';
import { SECOND_MS } from '../core/duration.ts';
import { hasBody } from './body-limits.ts';

/** The connection of a handshake, and what its client sent behind the headers. */
export interface Upgrade {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** From the handshake's headers to its answer. */
const ANSWERED_WITHIN_MS = 15 * SECOND_MS;

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The connection of a request that asks for a socket; undefined for any other request. */
export const upgradeOf = (req: IncomingMessage): Upgrade | undefined => upgrades.get(req);

/** Whether a request that asks for a WebSocket may get one here. What it may not is answered as if it had not asked. */
export type TakesHandshake = (req: IncomingMessage) => boolean;

/**
 * Sends handshakes through the whole server, so that bans, limits and sessions count for them as for any request, and a
 * refusal is an ordinary answer. Other requests with an Upgrade header are answered without it (RFC 9110, 7.8).
 */
export function listenForUpgrades(server: Server, app: Express, takers: readonly TakesHandshake[]): void {
  // An option of createServer, which the server keeps under the same name.
  Object.assign(server, {
    shouldUpgradeCallback: (req: IncomingMessage) => isHandshake(req) && takers.some((takes) => takes(req)),
  });
  server.on('upgrade', (req, socket, head) => {
    if (!(socket instanceof Socket)) return void socket.destroy();
    // ws takes the connection over with listeners of its own; until then a reset must not end the process.
    socket.on('error', () => undefined);
    socket.setTimeout(ANSWERED_WITHIN_MS, () => socket.destroy());
    // A pipelined request in front of it is still being answered: nothing can be put between.
    if ('_httpMessage' in socket && socket._httpMessage) return void socket.destroy();
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket);
    res.once('finish', () => {
      res.detachSocket(socket);
      socket.destroySoon();
      res.emit('close');
    });
    upgrades.set(req, { socket, head });
    app(req as Request, res as Response);
  });
}

/**
 * Hands the connection over: what goes over it from here on is no business of `res`. For the request log and the limits, this
 * one is answered.
 */
export function leaveHttp(res: Response, { socket }: Upgrade, status = 101): void {
  res.detachSocket(socket);
  res.statusCode = status;
  Object.defineProperty(res, 'writableFinished', { value: true });
  res.emit('close');
}

function isHandshake(req: IncomingMessage): boolean {
  return req.method === 'GET' && req.headers.upgrade?.toLowerCase() === 'websocket' && !hasBody(req);
}
