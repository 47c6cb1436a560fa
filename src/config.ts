import ipaddr from 'ipaddr.js';
import { type CutoffTime, parseCutoffTime } from './core/cutoff.ts';
import { DAY_MS, parseDuration } from './core/duration.ts';
import type { SessionPolicy } from './core/session-policy.ts';
import { coversMostOfTheNet } from './http/address-coverage.ts';
import {
  COOPS,
  CORPS,
  CSP_MODES,
  type HeaderSettings,
  HSTS_REACHES,
  REFERRER_POLICIES,
  readCspExtra,
  readPermissionsPolicy,
  readWord,
  USUAL_HEADERS,
} from './http/header-settings.ts';
import { RATE_LIMIT_NAMES, RATE_LIMIT_TABLE, type RateLimitName } from './http/rate-limit-table.ts';
import type { DatabaseLocation } from './storage/database.ts';
import { parseRedisLocation, type RedisLocation } from './storage/redis-location.ts';

/** `N/second|minute|hour|day`, several of which hold at once. */
export interface RateLimit {
  readonly points: number;
  readonly durationSeconds: number;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const ADDRESS_DETAILS = ['full', 'truncated', 'hashed', 'off'] as const;

export interface Config {
  readonly host: string;
  readonly port: number;
  /** The public origin without a trailing slash. */
  readonly baseUrl: string;
  readonly https: boolean;
  readonly database: DatabaseLocation;
  /** Undefined: the embedded store. */
  readonly redis: RedisLocation | undefined;
  readonly sessionSecrets: readonly string[];
  readonly encryptionKeys: readonly string[];
  readonly peppers: readonly string[];
  readonly policy: SessionPolicy;
  readonly maxSessionsPerUser: number;
  readonly trustProxy: readonly string[];
  /** Every limit of the table in http/rate-limit-table.ts. */
  readonly rateLimits: Readonly<Record<RateLimitName, readonly RateLimit[]>>;
  /** Used by nothing yet: there is no page for resetting a password. */
  readonly resetRateLimits: readonly RateLimit[];
  /** Milliseconds that signals are kept. */
  readonly signalRetentionMs: number;
  /** Years that the audit log is kept. */
  readonly auditLogYears: number;
  /** How much of clients' addresses the traffic log keeps. */
  readonly trafficLogAddresses: (typeof ADDRESS_DETAILS)[number];
  /** Milliseconds that the rows of the traffic log are kept; 0: there are none. */
  readonly trafficRetentionMs: number;
  /** TRAFFIC_LOG_ROWS: of all nodes together. */
  readonly trafficMostRows: number;
  readonly corsOrigins: readonly string[];
  /** Addresses and CIDRs that may see /metrics. */
  readonly metricsAllow: readonly string[];
  readonly headers: HeaderSettings;
  readonly sandboxBroker: boolean;
  /** Where Telegram's Bot API answers, without a slash at the end. */
  readonly telegramApiUrl: string;
  readonly logLevel: LogLevel;
  /** Processes that share one port. More than one needs Redis. */
  readonly workers: number;
  /** Milliseconds between saying "not ready" and refusing new connections, for a load balancer to notice. */
  readonly shutdownDelayMs: number;
}

export interface ConfigProblem {
  readonly name: string;
  readonly problem: string;
  readonly example: string;
}

/** Every problem of the settings at once, in words for the person who edits .env. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ name, problem, example }) => `  ${name}: ${problem}. Example: ${name}=${example}`,
    );
    super(`The settings cannot be used:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings of the contract. Throws one ConfigError that lists everything that is wrong. */
export function parseConfig(env: Environment): Config {
  const problems: ConfigProblem[] = [];
  const read = createReader(env, problems);
  const port = read('PORT', '5000', parsePort);
  const host = read('HOST', '127.0.0.1', parseHost);
  const baseUrl = read(
    'BASE_URL',
    `http://127.0.0.1:${port ?? 5000}`,
    parseOrigin,
    'https://curfew.example.com',
  );
  const production = env['NODE_ENV'] === 'production';
  const config = {
    host,
    port,
    baseUrl,
    https: baseUrl?.startsWith('https:') ?? false,
    database: read('DATABASE_URL', 'sqlite:data/curfew.db', parseDatabaseLocation),
    redis: read('REDIS_URL', '', parseRedis, 'redis://127.0.0.1:6379'),
    sessionSecrets: read('SESSION_SECRET', undefined, parseSecrets, '<openssl rand -base64 48>'),
    encryptionKeys: read('ENCRYPTION_KEY', undefined, parseFernetKeys, '<32 random bytes as base64url>'),
    peppers: read('PEPPER', undefined, parseSecrets, '<openssl rand -base64 48>'),
    policy: Object.freeze({
      cutoffTime: readSessionExpiry(env, read, problems),
      idleTimeoutMs: read('SESSION_IDLE_TIMEOUT', '30m', readIdleTimeout),
    }),
    maxSessionsPerUser: read('MAX_SESSIONS_PER_USER', '5', parseCount),
    trustProxy: read('TRUST_PROXY', '', parseProxies, '127.0.0.1,10.0.0.0/8'),
    rateLimits: readRateLimits(read),
    resetRateLimits: read('RESET_RATE_LIMIT', '15/hour', parseRateLimits),
    signalRetentionMs: read('SIGNAL_RETENTION', '30d', parseRetention),
    auditLogYears: read('AUDIT_LOG_YEARS', '5', parseAuditYears),
    trafficLogAddresses: read('TRAFFIC_LOG_ADDRESSES', 'truncated', parseAddressDetail),
    trafficRetentionMs: read('TRAFFIC_LOG_DAYS', '30', parseDays),
    trafficMostRows: read('TRAFFIC_LOG_ROWS', '1000000', parseRows),
    metricsAllow: read('METRICS_ALLOW', 'private', parseMetricsAllow, '127.0.0.1,10.0.0.0/8'),
    corsOrigins: read('CORS_ORIGINS', '', parseOrigins, 'https://charts.example.com'),
    headers: readHeaders(read),
    sandboxBroker: read('SANDBOX_BROKER', production ? 'off' : 'on', parseSwitch),
    telegramApiUrl: read('TELEGRAM_API_URL', 'https://api.telegram.org', parseApiRoot),
    logLevel: read('LOG_LEVEL', 'info', parseLogLevel),
    workers: read('WEB_CONCURRENCY', '1', parseCount),
    shutdownDelayMs: read('SHUTDOWN_DELAY', 'off', parseDelay, '5s'),
  };
  if ((config.workers ?? 1) > 1 && config.redis === undefined) {
    const problem = 'is more than 1, and several processes need REDIS_URL to share their sessions';
    problems.push({ name: 'WEB_CONCURRENCY', problem, example: '1' });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(config as Config);
}

/** The two settings that are read again while the server runs. Throws ConfigError. */
export function parsePolicy(env: Environment): SessionPolicy {
  const problems: ConfigProblem[] = [];
  const read = createReader(env, problems);
  const cutoffTime = readSessionExpiry(env, read, problems);
  const idleTimeoutMs = read('SESSION_IDLE_TIMEOUT', '30m', readIdleTimeout);
  if (cutoffTime === undefined || idleTimeoutMs === undefined) throw new ConfigError(problems);
  return Object.freeze({ cutoffTime, idleTimeoutMs });
}

/** What a parser says of a text: the value, or what is wrong with it. */
type Parsed<T> = { readonly value: T } | { readonly problem: string };

type Read = ReturnType<typeof createReader>;

function createReader(env: Environment, problems: ConfigProblem[]) {
  return function read<T>(
    name: string,
    fallback: string | undefined,
    parse: (text: string) => Parsed<T>,
    example = fallback ?? '',
  ): T | undefined {
    const text = env[name]?.trim() || fallback;
    const parsed = text === undefined ? { problem: 'is missing' } : parse(text);
    if ('value' in parsed) return parsed.value;
    problems.push({ name, problem: parsed.problem, example });
    return undefined;
  };
}

/** Where it is there and empty, some mean `off` and some the default: it is asked about instead. */
function readSessionExpiry(env: Environment, read: Read, problems: ConfigProblem[]): CutoffTime | undefined {
  const name = 'SESSION_EXPIRY_TIME';
  if (env[name]?.trim() !== '') return read(name, '03:00', readCutoffTime);
  const problem = 'is empty. Enter HH:MM on a 24-hour clock, or off, or take the line out for 03:00';
  problems.push({ name, problem, example: '03:00' });
  return undefined;
}

function parsePort(text: string): Parsed<number> {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? { value: Number(text) }
    : { problem: 'is not a port from 0 to 65535' };
}

function parseHost(text: string): Parsed<string> {
  return /^[A-Za-z0-9.:_-]+$/.test(text) ? { value: text } : { problem: 'is not an address or a host name' };
}

function parseOrigin(text: string): Parsed<string> {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return { problem: 'is not an http(s) address' };
  // Compared in parts, because the URL itself drops a port that the scheme implies, and capital letters.
  const { username, password, pathname, search, hash } = url;
  if (`${username}${password}${pathname}${search}${hash}` !== '/')
    return { problem: 'must be an origin only: scheme, host and port' };
  return { value: url.origin };
}

function parseApiRoot(text: string): Parsed<string> {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return { problem: 'is not an http(s) address' };
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '')
    return { problem: 'must have no password, query or fragment in it' };
  return { value: url.href.replace(/\/+$/, '') };
}

function parseOrigins(text: string): Parsed<readonly string[]> {
  return parseList(text, parseOrigin);
}

function parseDatabaseLocation(text: string): Parsed<DatabaseLocation> {
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length) {
    return { value: { dialect: 'sqlite', file: text.slice('sqlite:'.length) } };
  }
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text))
    return { value: { dialect: 'postgres', url: text } };
  return { problem: 'is neither sqlite:FILE nor postgres://…' };
}

function parseRedis(text: string): Parsed<RedisLocation | undefined> {
  if (text === '') return { value: undefined };
  const location = parseRedisLocation(text);
  return location === undefined
    ? { problem: 'is not redis://, rediss://, redis+sentinel:// or a comma list of cluster nodes' }
    : { value: location };
}

const MIN_SECRET_LENGTH = 32;
const PLACEHOLDER = /change.?me|replace|example|placeholder|your.?secret|your.?key|x{8}|<|>/i;

function parseSecret(text: string): Parsed<string> {
  if (text.length < MIN_SECRET_LENGTH) {
    return { problem: `has ${text.length} characters and needs at least ${MIN_SECRET_LENGTH}` };
  }
  if (PLACEHOLDER.test(text) || new Set(text).size < 8)
    return { problem: 'is a placeholder and not a secret' };
  return { value: text };
}

function parseSecrets(text: string): Parsed<readonly string[]> {
  return parseList(text, parseSecret);
}

function parseFernetKeys(text: string): Parsed<readonly string[]> {
  return parseList(text, (key) => {
    const wellFormed = /^[A-Za-z0-9_-]{43}=?$/.test(key) && Buffer.from(key, 'base64url').length === 32;
    if (!wellFormed) return { problem: 'is not a Fernet key: 32 bytes as base64url, 44 characters' };
    if (new Set(key).size < 8) return { problem: 'is a placeholder and not a key' };
    return { value: key };
  });
}

function readCutoffTime(text: string): Parsed<CutoffTime> {
  const time = parseCutoffTime(text);
  return time === undefined
    ? { problem: `is "${printable(text)}" and not HH:MM on a 24-hour clock, or off` }
    : { value: time };
}

function readIdleTimeout(text: string): Parsed<number | 'off'> {
  if (text.toLowerCase() === 'off') return { value: 'off' };
  const ms = parseDuration(text);
  return ms === undefined
    ? { problem: `is "${printable(text)}" and not a length of time like 90s, 30m or 8h, or off` }
    : { value: ms };
}

function parseDelay(text: string): Parsed<number> {
  if (text.toLowerCase() === 'off') return { value: 0 };
  const ms = parseDuration(text);
  return ms === undefined ? { problem: 'is not a length of time like 5s, or off' } : { value: ms };
}

function parseRetention(text: string): Parsed<number> {
  const ms = parseDuration(text);
  return ms === undefined || ms < DAY_MS
    ? { problem: 'is not a length of time of a day or more, like 30d' }
    : { value: ms };
}

/** In milliseconds; 0 for `off`. */
function parseDays(text: string): Parsed<number> {
  if (text.toLowerCase() === 'off') return { value: 0 };
  return /^[1-9]\d{0,3}$/.test(text)
    ? { value: Number(text) * DAY_MS }
    : { problem: 'is not a whole number of days from 1 to 9999, or off' };
}

function parseAddressDetail(text: string): Parsed<Config['trafficLogAddresses']> {
  const detail = ADDRESS_DETAILS.find((known) => known === text);
  return detail === undefined
    ? { problem: `is not one of ${ADDRESS_DETAILS.join(', ')}` }
    : { value: detail };
}

const FEWEST_ROWS = 10_000;

function parseRows(text: string): Parsed<number> {
  return /^[1-9]\d{3,8}$/.test(text) && Number(text) >= FEWEST_ROWS
    ? { value: Number(text) }
    : { problem: `is not a whole number from ${FEWEST_ROWS} to 999999999` };
}

const FEWEST_AUDIT_YEARS = 5;

/** Five at least: the exchange's rule (NSE/INVG/67858) for the trail of everybody who trades through an API. */
function parseAuditYears(text: string): Parsed<number> {
  return /^\d{1,2}$/.test(text) && Number(text) >= FEWEST_AUDIT_YEARS
    ? { value: Number(text) }
    : {
        problem: `is not a whole number of years from ${FEWEST_AUDIT_YEARS}, which exchanges require, to 99`,
      };
}

/** A value that goes into a log line or a terminal: short, and without control characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 40);
}

function parseCount(text: string): Parsed<number> {
  return /^[1-9]\d{0,3}$/.test(text)
    ? { value: Number(text) }
    : { problem: 'is not a whole number from 1 to 9999' };
}

function parseProxies(text: string): Parsed<readonly string[]> {
  const list = parseList(text, (entry) =>
    isAddress(entry) || isPartOfTheNet(entry)
      ? { value: entry }
      : {
          problem: `names "${printable(entry)}", which is no address or CIDR; headers of everybody are never believed`,
        },
  );
  return 'value' in list && coversMostOfTheNet(list.value)
    ? { problem: 'covers half of the internet or more; headers of everybody are never believed' }
    : list;
}

/** Of this machine, and of networks that the internet does not reach (RFC 1918, 4193, 3927, 4291). */
const PRIVATE_NETWORKS = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
] as const;

/** Who may see the figures: `any`, or a list of addresses and CIDRs, in which `private` stands for loopback and private networks. */
function parseMetricsAllow(text: string): Parsed<readonly string[]> {
  if (text === 'any') return { value: ['0.0.0.0/0', '::/0'] };
  const list = parseList<readonly string[]>(text, (entry) => {
    if (entry === 'private') return { value: PRIVATE_NETWORKS };
    if (isAddress(entry) || isPartOfTheNet(entry)) return { value: [entry] };
    return {
      problem: `names "${printable(entry)}", which is no address, no CIDR and neither private nor any`,
    };
  });
  return 'value' in list ? { value: Object.freeze(list.value.flat()) } : list;
}

/** All four parts of an IPv4 address: a bare `1`, which Express reads as one hop, would be 0.0.0.1. */
function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

/** A CIDR, but not 0.0.0.0/0 or ::/0: that is everybody. */
function isPartOfTheNet(text: string): boolean {
  return isAddress(text.replace(/\/\d+$/, '')) && ipaddr.isValidCIDR(text) && ipaddr.parseCIDR(text)[1] > 0;
}

const SECONDS_PER = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

function parseRateLimits(text: string): Parsed<readonly RateLimit[]> {
  return parseList(text, (entry) => {
    const match = /^([1-9]\d{0,6})\s*\/\s*(second|minute|hour|day)$/.exec(entry);
    if (match === null)
      return { problem: `has "${printable(entry)}", which is not N/second, N/minute, N/hour or N/day` };
    return {
      value: { points: Number(match[1]), durationSeconds: SECONDS_PER[match[2] as keyof typeof SECONDS_PER] },
    };
  });
}

function readRateLimits(read: Read): Partial<Record<RateLimitName, readonly RateLimit[]>> {
  const limits = RATE_LIMIT_NAMES.map((name) => {
    const { setting, usual } = RATE_LIMIT_TABLE[name];
    return [name, read(setting, usual, parseRateLimits)];
  });
  return Object.freeze(Object.fromEntries(limits));
}

function readHeaders(read: Read): { [Name in keyof HeaderSettings]: HeaderSettings[Name] | undefined } {
  const { cspMode, coop, corp, referrerPolicy, permissionsPolicy, hsts } = USUAL_HEADERS;
  return Object.freeze({
    cspMode: read('CSP_MODE', cspMode, readWord(CSP_MODES)),
    cspExtra: read('CSP_EXTRA', '', readCspExtra, 'img-src https://pictures.example.com'),
    coop: read('COOP', coop, readWord(COOPS)),
    corp: read('CORP', corp, readWord(CORPS)),
    referrerPolicy: read('REFERRER_POLICY', referrerPolicy, readWord(REFERRER_POLICIES)),
    permissionsPolicy: read('PERMISSIONS_POLICY', permissionsPolicy, readPermissionsPolicy),
    hsts: read('HSTS', hsts, readWord(HSTS_REACHES)),
  });
}

function parseSwitch(text: string): Parsed<boolean> {
  if (text === 'on') return { value: true };
  if (text === 'off') return { value: false };
  return { problem: 'is neither on nor off' };
}

function parseLogLevel(text: string): Parsed<LogLevel> {
  const level = LOG_LEVELS.find((known) => known === text);
  return level === undefined ? { problem: `is not one of ${LOG_LEVELS.join(', ')}` } : { value: level };
}

/** A comma list; the first entry that is wrong speaks for all. An empty text is an empty list; commas alone are none. */
function parseList<T>(text: string, parse: (entry: string) => Parsed<T>): Parsed<readonly T[]> {
  const values: T[] = [];
  for (const entry of text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const parsed = parse(entry);
    if (!('value' in parsed)) return parsed;
    values.push(parsed.value);
  }
  if (text !== '' && values.length === 0) return { problem: 'is a list without an entry' };
  return { value: Object.freeze(values) };
}
