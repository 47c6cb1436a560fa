import { createHash } from 'node:crypto';
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

/** The page's own: from a banned address the stylesheet of the other pages is refused as well. */
const STYLE =
  ':root{color-scheme:light dark}body{max-width:30rem;margin:10vh auto;padding:0 1.5rem;background:light-dark(#f3f6f7,#0e1418);color:light-dark(#14212a,#e5ecef);font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}';

const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function refuse(req: Request, res: Response, address: string): void {
  res.status(403).set('Cache-Control', 'no-store');
  if (wantsJson(req) || req.path.startsWith('/api/'))
    return void res.json({ status: 'error', error: 'banned', message: `${WORDS}: ${address}.` });
  res.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  res.type('html').send(page(address, String(res.locals['requestId'] ?? '')));
}

/** `address` is one in the spelling of `clientAddress`, and the id is our own: neither needs escaping. */
function page(address: string, requestId: string): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not allowed · Curfew</title>
<style>${STYLE}</style>
<h1>Not allowed</h1>
<p>${WORDS}: <code>${address}</code>.</p>
<p>Request id: <code>${requestId}</code></p>
</html>
`;
}
