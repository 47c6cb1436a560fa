import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import type { CutoffCalendar } from '../core/cutoff.ts';
import type { Role } from '../core/role.ts';
import { AppError } from '../errors.ts';
import { pass } from '../http/pass.ts';
import { setActingUser } from '../http/request-watch.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import { lastProofOf } from '../sessions/reauthentication.ts';
import type { LoginReason } from '../sessions/session-expiry.ts';
import type { OwningKey } from '../sessions/socket-owner.ts';
import type { AskedRequest } from './asked-request.ts';
import type { Identity } from './identity.ts';
import type { RuleUses } from './rule-uses.ts';
import type { FoundRule, GatewayRule, Target } from './rules.ts';
import { confirmAddress, signInRefusal } from './sign-in-address.ts';
import { judge } from './verdict.ts';

/** An API key that was let in. */
export interface AdmittedKey extends OwningKey {
  readonly ownerRole: Role;
}

/** An admitted request. */
export interface Admission {
  readonly rule: GatewayRule;
  readonly target: Target;
  /** Undefined under a public rule: nothing was looked at. */
  readonly identity: Identity | undefined;
  /** The session or key of the identity, where there is one: one of both. */
  readonly session?: CurrentSession;
  readonly key?: AdmittedKey;
}

export interface AdmissionDeps {
  /** Loads the session that the request's cookie names, as its route policy says. */
  readonly loadSession: RequestHandler;
  /** Counts the request for the session's user. Throws `rate_limited`. */
  readonly limitPerson: RequestHandler;
  readonly liveSession: (req: Request) => CurrentSession | undefined;
  /** Why the request has no session that counts; what is past the cutoff is ended. */
  readonly whyNoSession: (req: Request) => Promise<LoginReason>;
  /** The API key in a header of the request, if this installation may have made it. */
  readonly findKey: (req: Request) => string | undefined;
  /** The door of the API, for keys with the scope `gateway:access`. */
  readonly admitKey: (req: Request, res: Response, key: string) => Promise<AdmittedKey>;
  readonly uses: Pick<RuleUses, 'note'>;
  readonly usernameKey: (username: string) => string;
  /** BASE_URL. */
  readonly publicOrigin: string;
  readonly calendar: CutoffCalendar;
  readonly clock: Clock;
}

/**
 * Lets a request through to a tool: one decision for every proxy. Throws `login_required`, `session_expired` and
 * `forbidden`, with `location` among the details where signing in or the password would help; `rate_limited`, `bad_api_key`
 * and `unavailable`.
 */
export type Admit = (req: Request, res: Response, asked: AskedRequest) => Promise<Admission>;

interface Known extends Pick<Admission, 'session' | 'key'> {
  readonly identity: Identity;
  readonly reauthenticatedAt: number | undefined;
}

export function createAdmission(deps: AdmissionDeps): Admit {
  const { loadSession, limitPerson, liveSession, whyNoSession, findKey, admitKey } = deps;
  const { uses, usernameKey, publicOrigin, calendar, clock } = deps;

  async function knowByKey(req: Request, res: Response, text: string): Promise<Known> {
    const key = await admitKey(req, res, text);
    const { userId, username, ownerRole, expiresAt } = key;
    const endsAt = expiresAt ?? Number.POSITIVE_INFINITY;
    return { key, identity: { userId, username, role: ownerRole, endsAt }, reauthenticatedAt: undefined };
  }

  async function knowBySession(req: Request, res: Response, target: Target): Promise<Known> {
    await pass(loadSession, req, res);
    await pass(limitPerson, req, res);
    const session = liveSession(req);
    if (session === undefined) throw signInRefusal(publicOrigin, await whyNoSession(req), target);
    const { userId, username, role } = session;
    setActingUser(res, userId);
    const identity = { userId, username, role, endsAt: calendar.next() };
    return { session, identity, reauthenticatedAt: lastProofOf(req) };
  }

  async function judgeRequest(
    req: Request,
    res: Response,
    { target, found }: AskedRequest,
  ): Promise<Admission> {
    if (target instanceof Error) throw target;
    if (found.kind !== 'rule') throw noRule(found, target);
    const { rule } = found;
    if (rule.who.kind === 'public') return { rule, target, identity: undefined };
    const key = findKey(req);
    const known = key === undefined ? await knowBySession(req, res, target) : await knowByKey(req, res, key);
    const { reauthenticatedAt, ...shown } = known;
    const { username, role } = shown.identity;
    const verdict = judge(rule, { usernameKey: usernameKey(username), role, reauthenticatedAt }, clock.now());
    if (verdict === 'prove') throw toProve(confirmAddress(publicOrigin, target));
    if (verdict !== 'allow') throw notYours(rule, key !== undefined && rule.freshMinutes !== undefined);
    return { rule, target, ...shown };
  }

  return async function admit(req, res, asked) {
    const admission = await judgeRequest(req, res, asked);
    uses.note(admission);
    return admission;
  };
}

function noRule({ kind }: Exclude<FoundRule, { kind: 'rule' }>, { host, method, path }: Target): AppError {
  const words =
    kind === 'ambiguous'
      ? `The path of this address can be read in several ways, and different rules of the gateway hold for them: ${path.slice(0, 100)}`
      : `No rule of the gateway lets ${method} requests to ${host}${path.slice(0, 100)} through. Ask an administrator.`;
  return new AppError('forbidden', words);
}

function toProve(location: string): AppError {
  return new AppError('forbidden', 'Enter your password again first.', { details: { location } });
}

function notYours({ name }: GatewayRule, isForPeople: boolean): AppError {
  const words = isForPeople
    ? `The rule ${JSON.stringify(name)} of the gateway asks for a password, which a program with an API key cannot enter.`
    : `The rule ${JSON.stringify(name)} of the gateway does not name you or your role. Ask an administrator.`;
  return new AppError('forbidden', words);
}
