import { randomBytes } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError } from '../errors.ts';
import { safeReturnTo } from '../http/return-to.ts';
import { routeClassOf } from '../http/route-policy.ts';
import { CONFIRM } from '../sessions/reauthentication.ts';
import type { KeyRing } from '../storage/key-ring.ts';
import type { SingleUses } from '../storage/single-use-store.ts';

export const KEPT_FORM_LIFETIME_MS = 30 * MINUTE_MS;
/** Sealed, and beside what the page that asks sends, it stays within a form's limit. */
const MOST_BYTES = 16 * 1024;
const NONCE_BYTES = 18;

/** A form that waits for its user to confirm who they are. */
export interface KeptForm {
  /** Where it was sent, with its query. */
  readonly path: string;
  /** Its effect, in words. */
  readonly act: string;
  /** Encrypted for the session that sent it: the page that asks brings it back, so that nothing is stored for it. */
  readonly sealed: string;
}

export interface KeptForms {
  /** Undefined where it cannot be kept: it brings a file, or is too large. The form's token was checked by then. */
  keep(req: Request, act: string): KeptForm | undefined;
  /** Undefined where it is too old, of another session, changed, or not of this server. */
  open(req: Request): KeptForm | undefined;
  /** Behind the check of the token: puts a kept form in the place of the form that brings it, once. */
  readonly carryOut: RequestHandler;
}

export interface KeptFormsDeps {
  readonly keyRing: KeyRing;
  readonly singleUses: SingleUses;
  readonly clock: Clock;
}

const sealedSchema = z.object({
  device: z.string(),
  path: z.string(),
  act: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  nonce: z.string(),
  /** Milliseconds since the epoch. */
  since: z.number(),
});

type Content = z.infer<typeof sealedSchema>;

/** Forms that were sent when the password had to be entered again, until that is done. docs/decisions.md says why this way. */
export function createKeptForms({ keyRing, singleUses, clock }: KeptFormsDeps): KeptForms {
  const cipher = keyRing.forPurpose('kept-form');

  function read(req: Request): Content | undefined {
    const sealed = sealedIn(req);
    const opened = sealed === undefined ? undefined : cipher.decrypt(sealed);
    if (opened?.kind !== 'ok') return undefined;
    const content = sealedSchema.parse(JSON.parse(opened.text));
    if (content.device !== req.session.deviceId) return undefined;
    // Where a clock was put back, it may have been kept in the future: that makes it no younger.
    return Math.abs(clock.now() - content.since) < KEPT_FORM_LIFETIME_MS ? content : undefined;
  }

  return {
    keep(req, act) {
      const { deviceId: device } = req.session;
      const path = safeReturnTo(req.originalUrl);
      if (device === undefined || path === undefined || !req.is('application/x-www-form-urlencoded'))
        return undefined;
      const { _csrf, ...fields } = req.body as Content['fields'];
      const nonce = randomBytes(NONCE_BYTES).toString('base64url');
      const content: Content = { device, path, act, fields, nonce, since: clock.now() };
      const text = JSON.stringify(content);
      if (Buffer.byteLength(text) > MOST_BYTES) return undefined;
      return { path, act, sealed: cipher.encrypt(text) };
    },

    open(req) {
      const content = read(req);
      return content && { path: content.path, act: content.act, sealed: sealedIn(req) ?? '' };
    },

    async carryOut(req, _res, next) {
      const isForm = req.method === 'POST' && routeClassOf(req) === 'guarded';
      if (!isForm || sealedIn(req) === undefined || req.path.startsWith(CONFIRM)) return next();
      const content = read(req);
      if (content === undefined || content.path !== req.originalUrl) throw notKept();
      const { fields, nonce, since } = content;
      if (!(await singleUses.use(`kept-form:${nonce}`, since + KEPT_FORM_LIFETIME_MS))) throw sentAlready();
      req.body = fields;
      next();
    },
  };
}

/** The sealed form that a page brings back; undefined where it brings none. */
export function sealedIn(req: Request): string | undefined {
  const sealed: unknown = req.body?.keptForm;
  return typeof sealed === 'string' && sealed !== '' ? sealed : undefined;
}

const notKept = (): AppError =>
  new AppError(
    'csrf',
    'The form that was kept for you is too old or not yours. Nothing was done: send it again.',
  );

const sentAlready = (): AppError =>
  new AppError('csrf', 'The form that was kept for you was sent already. Nothing was done a second time.');
