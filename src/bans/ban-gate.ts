import type { Request, RequestHandler, Response } from 'express';
import type { Log } from '../core/log.ts';
import { unavailable } from '../errors.ts';
import { clientSubject } from '../http/client-address.ts';
import { sendPlainPage } from '../http/plain-page.ts';
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
  readonly banIndex: Pick<BanIndex, 'isBanned' | 'size' | 'isLoaded' | 'load'>;
  readonly hits: Pick<BanHits, 'settled' | 'isIdle'>;
  readonly protectedAddresses: ProtectedAddresses;
  /** Asked of requests from banned addresses only. */
  readonly mayPass: MayPass;
  readonly log: Log;
}

/** A client whose last request counts towards a ban waits at most this long until it is counted. */
const SETTLE_WITHIN_MS = 500;

/**
 * Refuses banned addresses, unless a request shows a live session, a good API key or the webhook of an active strategy: no
 * template and no body is looked at for the others. Where nothing is banned and nothing is being counted, not even the
 * address is.
 */
export function createBanGate({ banIndex, hits, protectedAddresses, mayPass, log }: BanGateDeps): BanGate {
  let refused = 0;
  let passed = 0;

  /** All of this for nearly every request: a look into two empty maps, or the address and one of them. */
  const banGate: RequestHandler = (req, res, next) => {
    if (!banIndex.isLoaded || !hits.isIdle) return waitAndDecide(req, res, next);
    return decide(req, res, next);
  };

  const decide: RequestHandler = (req, res, next) => {
    if (banIndex.size === 0) return next();
    const { subject } = clientSubject(req);
    if (!banIndex.isBanned(subject) || protectedAddresses.whyProtected(subject) !== undefined) return next();
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
    if (!banIndex.isLoaded) await loadIndex();
    const settling = hits.settled(clientSubject(req).subject);
    if (settling !== undefined) await atMost(SETTLE_WITHIN_MS, settling);
    await decide(req, res, next);
  };

  async function loadIndex(): Promise<void> {
    try {
      await banIndex.load();
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
  'This server does not accept requests from your address at the moment. If this is a mistake, tell its administrator your address';

function refuse(req: Request, res: Response, address: string): void {
  res.status(403).set('Cache-Control', 'no-store');
  if (wantsJson(req) || req.path.startsWith('/api/'))
    return void res.json({ status: 'error', error: 'banned', message: `${WORDS}: ${address}.` });
  sendPlainPage(res, { heading: 'Not allowed', text: `${WORDS}: ${address}.` });
}
