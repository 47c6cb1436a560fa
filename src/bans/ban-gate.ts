import type { Request, RequestHandler, Response } from 'express';
import type { Log } from '../core/log.ts';
import { unavailable } from '../errors.ts';
import { clientSubject } from '../http/client-address.ts';
import { wantsJson } from '../http/wants-json.ts';
import type { BanHits } from './ban-hits.ts';
import type { BanIndex } from './ban-index.ts';
import type { MayPass } from './ban-pass.ts';
import type { ProtectedAddresses } from './protected-addresses.ts';

export interface BanGate {
  /** In front of everything but the health probes. */
  readonly middleware: RequestHandler;
  /** Since the process started. */
  countRefused(): number;
  /** Requests from banned addresses that came in by what they showed, since the process started. */
  countPassed(): number;
}

export interface BanGateDeps {
  readonly book: Pick<BanIndex, 'isBanned' | 'size' | 'isLoaded' | 'load'>;
  readonly hits: Pick<BanHits, 'settled' | 'isIdle'>;
  readonly protectedAddresses: ProtectedAddresses;
  /** Asked of requests from banned addresses only. */
  readonly mayPass: MayPass;
  readonly log: Log;
}

/** Whoever has just done something that counts waits so long at the most until it is counted. */
const SETTLE_WITHIN_MS = 500;

/**
 * Refuses banned addresses, unless a request shows a live session, a good API key or the webhook of an active strategy: no
 * template and no body is looked at for the others. Where nothing is banned and nothing is being counted, not even the
 * address is.
 */
export function createBanGate({ book, hits, protectedAddresses, mayPass, log }: BanGateDeps): BanGate {
  let refused = 0;
  let passed = 0;

  /** All of this for nearly every request: a look into two empty maps, or the address and one of them. */
  const banGate: RequestHandler = (req, res, next) => {
    if (!book.isLoaded || !hits.isIdle) return waitAndDecide(req, res, next);
    return decide(req, res, next);
  };

  const decide: RequestHandler = (req, res, next) => {
    if (book.size === 0) return next();
    const { subject } = clientSubject(req);
    if (!book.isBanned(subject) || protectedAddresses.whyProtected(subject) !== undefined) return next();
    return passOrRefuse(req, res, next);
  };

  const passOrRefuse: RequestHandler = async (req, res, next) => {
    const { address, subject } = clientSubject(req);
    if (await mayPass(req, subject)) {
      passed += 1;
      return next();
    }
    refused += 1;
    refuse(req, res, address);
  };

  const waitAndDecide: RequestHandler = async (req, res, next) => {
    if (!book.isLoaded) await loadBook();
    const settling = hits.settled(clientSubject(req).subject);
    if (settling !== undefined) await atMost(SETTLE_WITHIN_MS, settling);
    await decide(req, res, next);
  };

  async function loadBook(): Promise<void> {
    try {
      await book.load();
    } catch (error) {
      log.error({ err: error }, 'The bans could not be read');
      throw unavailable('The server', error);
    }
  }

  return { middleware: banGate, countRefused: () => refused, countPassed: () => passed };
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

const WORDS =
  'Requests from your address are not accepted by this server at the moment. If you think that is a mistake, ask whoever runs it, and tell them your address';

function refuse(req: Request, res: Response, address: string): void {
  res.status(403).set('Cache-Control', 'no-store');
  if (wantsJson(req) || req.path.startsWith('/api/'))
    return void res.json({ status: 'error', error: 'banned', message: `${WORDS}: ${address}.` });
  res.type('html').send(page(address, String(res.locals['requestId'] ?? '')));
}

/** `address` is one in the spelling of `clientAddress`, and the id is our own: neither needs escaping. */
function page(address: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not allowed · Curfew</title>
<h1>Not allowed</h1>
<p>${WORDS}: <code>${address}</code>.</p>
<p>Request id: <code>${requestId}</code></p>
</html>
`;
}
