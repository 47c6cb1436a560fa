import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { parseCutoffTime } from './core/cutoff.ts';
import { DAY_MS, parseDuration } from './core/duration.ts';
import { SECOND_FACTOR_RULES } from './core/second-factor-rule.ts';
import type { SessionPolicy } from './core/session-policy.ts';
import { parseSmtpLocation, problemOfSmtpUrl } from './core/smtp-location.ts';
import { coversMostOfTheNet } from './http/address-coverage.ts';
import type { RateLimit } from './http/compound-limiter.ts';
import { HEADER_SETTINGS, toHeaderSettings } from './http/header-settings.ts';
import { RATE_LIMIT_NAMES, RATE_LIMIT_TABLE, type RateLimitName } from './http/rate-limit-table.ts';
import {
  listOf,
  oneOf,
  optional,
  readBy,
  required,
  type SettingSchema,
  setting,
  shown,
} from './http/setting-schema.ts';
import { parseDatabaseLocation, problemOfDatabaseUrl } from './storage/database-location.ts';
import { parseRedisLocation, problemOfRedisUrl } from './storage/redis-location.ts';

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

/** A whole number; `most` has at most nine digits. */
const whole = (least: number, most: number, problem: string) =>
  readBy((text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return number >= least && number <= most ? number : undefined;
  }, problem);

/** `read`, or `off`, in capital letters too. */
const orOff = <T, Off>(off: Off, read: (text: string) => T | undefined, problem: (text: string) => string) =>
  readBy((text): T | Off | undefined => (text.toLowerCase() === 'off' ? off : read(text)), problem);

const httpUrl = z
  .string()
  .refine(
    (text) => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? ''),
    'is not an http(s) address',
  )
  .transform((text) => new URL(text));

const origin = httpUrl
  .refine(
    // Compared in parts, because the URL itself drops a port that the scheme implies, and capital letters.
    ({ username, password, pathname, search, hash }) =>
      `${username}${password}${pathname}${search}${hash}` === '/',
    'must be an origin only: scheme, host and port',
  )
  .transform((url) => url.origin);

const apiRoot = httpUrl
  .refine(
    ({ username, password, search, hash }) => `${username}${password}${search}${hash}` === '',
    'must have no password, query or fragment in it',
  )
  .transform((url) => url.href.replace(/\/+$/, ''));

const MIN_SECRET_LENGTH = 32;
const PLACEHOLDER = /change.?me|replace|example|placeholder|your.?secret|your.?key|x{8}|<|>/i;
const isVaried = (text: string): boolean => new Set(text).size >= 8;

const secret = z
  .string()
  .min(MIN_SECRET_LENGTH, {
    error: ({ input }) => `has ${String(input).length} characters and needs at least ${MIN_SECRET_LENGTH}`,
  })
  .refine((text) => !PLACEHOLDER.test(text) && isVaried(text), 'is a placeholder and not a secret');

const fernetKey = z
  .string()
  .refine(
    (key) => /^[A-Za-z0-9_-]{43}=?$/.test(key) && Buffer.from(key, 'base64url').length === 32,
    'is not a Fernet key: 32 bytes as base64url, 44 characters',
  )
  .refine(isVaried, 'is a placeholder and not a key');

/** A name of two parts or more: browsers refuse cookies for a single one, `com` or `localhost`. */
const cookieDomain = z
  .string()
  .toLowerCase()
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.[a-z]([a-z0-9-]*[a-z0-9])?$/,
    'is not a domain of two parts or more, without a dot in front',
  );

/** All four parts of an IPv4 address: a bare `1`, which Express reads as one hop, would be 0.0.0.1. */
const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

/** An address or a CIDR, but not 0.0.0.0/0 or ::/0: that is every address. */
const isNetwork = (text: string): boolean =>
  isAddress(text) ||
  (isAddress(text.replace(/\/\d+$/, '')) && ipaddr.isValidCIDR(text) && ipaddr.parseCIDR(text)[1] > 0);

const proxies = listOf(
  readBy(
    (entry) => (isNetwork(entry) ? entry : undefined),
    (entry) =>
      `names ${shown(entry)}, which is no address or CIDR; headers of every client are never believed`,
  ),
).refine(
  (list) => !coversMostOfTheNet(list),
  'covers half of the internet or more; headers of every client are never believed',
);

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
];

/** `any`, or a list of addresses and CIDRs, in which `private` stands for loopback and private networks. */
const metricsAllow = z
  .string()
  .transform((text) => (text === 'any' ? 'every address' : text))
  .pipe(
    listOf(
      readBy(
        (entry) => {
          if (entry === 'every address') return ['0.0.0.0/0', '::/0'];
          if (entry === 'private') return PRIVATE_NETWORKS;
          return isNetwork(entry) ? [entry] : undefined;
        },
        (entry) => `names ${shown(entry)}, which is no address, no CIDR and neither private nor any`,
      ),
    ),
  )
  .transform((networks) => Object.freeze(networks.flat()));

const SECONDS_PER: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** `N/second|minute|hour|day`, several of which hold at once. */
const rateLimits = listOf(
  readBy(
    (entry): RateLimit | undefined => {
      const [, points, unit = ''] = /^([1-9]\d{0,6})\s*\/\s*(second|minute|hour|day)$/.exec(entry) ?? [];
      return points === undefined
        ? undefined
        : { points: Number(points), durationSeconds: SECONDS_PER[unit] ?? 0 };
    },
    (entry) => `has ${shown(entry)}, which is not N/second, N/minute, N/hour or N/day`,
  ),
);

const RATE_LIMIT_SETTINGS = Object.fromEntries(
  Object.values(RATE_LIMIT_TABLE).map(({ setting: name, usual }) => [name, setting(rateLimits, usual)]),
) as Record<(typeof RATE_LIMIT_TABLE)[RateLimitName]['setting'], SettingSchema<readonly RateLimit[]>>;

/** Five at least: the exchange's rule (NSE/INVG/67858) for the trail of all who trade through an API. */
const FEWEST_AUDIT_YEARS = 5;
const FEWEST_ROWS = 10_000;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const count = whole(1, 9999, 'is not a whole number from 1 to 9999');
const onOff = readBy((text) => ({ on: true, off: false })[text], 'is neither on nor off');

/** `curfew@example.com`, or with a name: `Curfew <curfew@example.com>`. */
const mailFrom = z.string().refine((text) => {
  const [, named] = /^[^<>\r\n"]+<([^<>]+)>$/.exec(text) ?? [];
  return z.email().safeParse(named ?? text).success;
}, 'is not an email address, or a name with one in angle brackets');

/** The two settings that are read again while the server runs. */
const POLICY_SETTINGS = {
  SESSION_EXPIRY_TIME: setting(
    readBy(parseCutoffTime, (text) =>
      text === ''
        ? 'is empty. Enter HH:MM on a 24-hour clock, or off, or take the line out for 03:00'
        : `is ${shown(text)} and not HH:MM on a 24-hour clock, or off`,
    ),
    '03:00',
  ),
  SESSION_IDLE_TIMEOUT: setting(
    orOff(
      'off' as const,
      parseDuration,
      (text) => `is ${shown(text)} and not a length of time like 90s, 30m or 8h, or off`,
    ),
    '30m',
  ),
};

/** Every setting of the server, with its default and, for messages, an example. */
const SETTINGS = {
  NODE_ENV: optional(z.string(), 'production'),
  HOST: setting(z.string().regex(/^[A-Za-z0-9.:_-]+$/, 'is not an address or a host name'), '127.0.0.1'),
  PORT: setting(whole(0, 65_535, 'is not a port from 0 to 65535'), '5000'),
  BASE_URL: optional(origin, 'https://curfew.example.com'),
  DATABASE_URL: setting(readBy(parseDatabaseLocation, problemOfDatabaseUrl), 'sqlite:data/curfew.db'),
  REDIS_URL: optional(readBy(parseRedisLocation, problemOfRedisUrl), 'redis://127.0.0.1:6379'),
  SESSION_SECRET: required(listOf(secret), '<openssl rand -base64 48>'),
  ENCRYPTION_KEY: required(listOf(fernetKey), '<32 random bytes as base64url>'),
  PEPPER: required(listOf(secret), '<openssl rand -base64 48>'),
  ...POLICY_SETTINGS,
  MAX_SESSIONS_PER_USER: setting(count, '5'),
  SOCKETS_PER_USER: setting(count, '5'),
  SOCKET_SUBSCRIPTIONS: setting(count, '1000'),
  TRUST_PROXY: setting(proxies, '', '127.0.0.1,10.0.0.0/8'),
  ...RATE_LIMIT_SETTINGS,
  SMTP_URL: optional(
    readBy(parseSmtpLocation, problemOfSmtpUrl),
    'smtp://curfew:password@mail.example.com:587',
  ),
  MAIL_FROM: optional(mailFrom, 'Curfew <curfew@example.com>'),
  SECOND_FACTOR: setting(oneOf(SECOND_FACTOR_RULES), 'admins'),
  BREACH_CHECK: setting(oneOf(['off', 'on']), 'off'),
  BREACH_URL: setting(apiRoot, 'https://api.pwnedpasswords.com/range'),
  RESET_RATE_LIMIT: setting(rateLimits, '15/hour'),
  SIGNAL_RETENTION: setting(
    readBy((text) => {
      const ms = parseDuration(text) ?? 0;
      return ms >= DAY_MS ? ms : undefined;
    }, 'is not a length of time of a day or more, like 30d'),
    '30d',
  ),
  AUDIT_LOG_YEARS: setting(
    whole(
      FEWEST_AUDIT_YEARS,
      99,
      `is not a whole number of years from ${FEWEST_AUDIT_YEARS}, which exchanges require, to 99`,
    ),
    '5',
  ),
  TRAFFIC_LOG_ADDRESSES: setting(oneOf(['full', 'truncated', 'hashed', 'off']), 'truncated'),
  TRAFFIC_LOG_DAYS: setting(
    orOff(
      0,
      (text) => (/^[1-9]\d{0,3}$/.test(text) ? Number(text) * DAY_MS : undefined),
      () => 'is not a whole number of days from 1 to 9999, or off',
    ),
    '30',
  ),
  TRAFFIC_LOG_ROWS: setting(
    whole(FEWEST_ROWS, 999_999_999, `is not a whole number from ${FEWEST_ROWS} to 999999999`),
    '1000000',
  ),
  METRICS_ALLOW: setting(metricsAllow, 'private', '127.0.0.1,10.0.0.0/8'),
  GATEWAY_RULES: optional(z.string(), 'gateway.yaml'),
  COOKIE_DOMAIN: optional(cookieDomain, 'example.com'),
  CORS_ORIGINS: setting(listOf(origin), '', 'https://charts.example.com'),
  ...HEADER_SETTINGS,
  BROKER_HOLD: setting(oneOf(['session', 'cutoff']), 'session'),
  SANDBOX_BROKER: optional(onOff, 'on'),
  SANDBOX_MARKET: setting(oneOf(['market', 'always']), 'market'),
  TELEGRAM_API_URL: setting(apiRoot, 'https://api.telegram.org'),
  LOG_LEVEL: setting(oneOf(LOG_LEVELS), 'info'),
  WEB_CONCURRENCY: setting(count, '1'),
  SHUTDOWN_DELAY: setting(
    orOff(0, parseDuration, () => 'is not a length of time like 5s, or off'),
    'off',
    '5s',
  ),
};

/** A setting that is blank counts as not set; but of an empty SESSION_EXPIRY_TIME some mean `off`, and some the default. */
function withoutBlanks(env: Environment): Environment {
  const texts = Object.entries(env).map(([name, text]) => [name, text?.trim()] as const);
  return Object.fromEntries(
    texts.filter(([name, text]) => text || (name === 'SESSION_EXPIRY_TIME' && text === '')),
  );
}

const PRODUCTION = 'production';

/** Checked also where other settings are wrong: a setting that cannot be read is still a text here. */
const serverSettings = z
  .object(SETTINGS)
  .refine(({ WEB_CONCURRENCY, REDIS_URL }) => !(WEB_CONCURRENCY > 1 && REDIS_URL === undefined), {
    path: ['WEB_CONCURRENCY'],
    error: 'is more than 1, and several processes need REDIS_URL to share their sessions',
    when: () => true,
  })
  .refine(({ SMTP_URL, MAIL_FROM }) => SMTP_URL === undefined || MAIL_FROM !== undefined, {
    path: ['MAIL_FROM'],
    error: 'is missing, and SMTP_URL is set: mail needs a sender',
    when: () => true,
  })
  .refine(
    ({ BASE_URL, COOKIE_DOMAIN }) =>
      COOKIE_DOMAIN === undefined ||
      (BASE_URL !== undefined && isOfDomain(new URL(BASE_URL).hostname, COOKIE_DOMAIN)),
    {
      path: ['COOKIE_DOMAIN'],
      error: 'is not the domain of BASE_URL, or one above it: browsers would refuse the cookie',
      when: ({ value }) => {
        const { BASE_URL, COOKIE_DOMAIN } = value as { BASE_URL?: unknown; COOKIE_DOMAIN?: unknown };
        return (
          typeof COOKIE_DOMAIN === 'string' && (BASE_URL === undefined || URL.canParse(String(BASE_URL)))
        );
      },
    },
  )
  .refine(
    ({ NODE_ENV, SESSION_SECRET, PEPPER }) =>
      NODE_ENV !== PRODUCTION || ![SESSION_SECRET].flat().some((value) => [PEPPER].flat().includes(value)),
    {
      path: ['PEPPER'],
      error: 'has the same value as SESSION_SECRET; each needs one of its own',
      when: ({ value }) => Array.isArray((value as { PEPPER?: unknown }).PEPPER),
    },
  );

const isOfDomain = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

function parse<Parsed>(schema: z.ZodType<Parsed>, env: Environment): Parsed {
  const { data, error } = schema.safeParse(withoutBlanks(env));
  if (error === undefined) return data;
  const problems = new Map<string, string>();
  for (const { path, message } of error.issues) {
    const name = String(path[0]);
    problems.set(name, problems.get(name) ?? message);
  }
  throw new ConfigError(
    [...problems].map(([name, problem]) => ({ name, problem, example: exampleOf(name) })),
  );
}

/** All names that mean something in .env. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);

const exampleOf = (name: string): string =>
  String((SETTINGS as Readonly<Record<string, z.ZodType>>)[name]?.meta()?.['example'] ?? '');

/** A setting as administrators may see it. */
export interface ShownSetting {
  readonly name: string;
  /** As in .env; empty where there is none. A secret says only that it is set, and an address has no password. */
  readonly value: string;
  readonly isDefault: boolean;
}

const SECRETS: ReadonlySet<string> = new Set(['SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER']);

function showSettings(env: Environment): readonly ShownSetting[] {
  const given = withoutBlanks(env);
  return Object.entries(SETTINGS).map(([name, schema]) => {
    const usual = String((schema as z.ZodType).meta()?.['usual'] ?? '');
    const text = given[name] ?? usual;
    const value = SECRETS.has(name) ? countOf(text) : withoutCredentials(text);
    return Object.freeze({ name, value, isDefault: text === usual });
  });
}

function countOf(list: string): string {
  const values = list.split(',').filter((each) => each.trim() !== '').length;
  return values > 1 ? `set, ${values} values` : 'set';
}

const withoutCredentials = (text: string): string => text.replaceAll(/\/\/[^/]*@/g, '//…@');

export type Config = ReturnType<typeof parseConfig>;

/** Reads the settings of the contract. Throws one ConfigError that lists everything that is wrong. */
export function parseConfig(env: Environment) {
  const given = parse(serverSettings, env);
  const baseUrl = given.BASE_URL ?? new URL(`http://127.0.0.1:${given.PORT}`).origin;
  return Object.freeze({
    host: given.HOST,
    port: given.PORT,
    /** The public origin without a trailing slash. */
    baseUrl,
    https: baseUrl.startsWith('https:'),
    /** Settings as the administrators' page shows them, as they were at the start. */
    shown: Object.freeze(showSettings(env)),
    production: given.NODE_ENV === PRODUCTION,
    database: given.DATABASE_URL,
    /** Undefined: the embedded store. */
    redis: given.REDIS_URL,
    sessionSecrets: given.SESSION_SECRET,
    encryptionKeys: given.ENCRYPTION_KEY,
    peppers: given.PEPPER,
    policy: toPolicy(given),
    maxSessionsPerUser: given.MAX_SESSIONS_PER_USER,
    /** WebSockets at a time, on all nodes together. */
    socketsPerUser: given.SOCKETS_PER_USER,
    /** Symbols that a user may be subscribed to over all of them together. */
    socketSubscriptions: given.SOCKET_SUBSCRIPTIONS,
    trustProxy: given.TRUST_PROXY,
    /** Every limit of the table in http/rate-limit-table.ts. */
    rateLimits: Object.freeze(
      Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, given[RATE_LIMIT_TABLE[name].setting]])),
    ) as Readonly<Record<RateLimitName, readonly RateLimit[]>>,
    /** Where mail is handed over; undefined: none is sent. */
    smtp:
      given.SMTP_URL === undefined || given.MAIL_FROM === undefined
        ? undefined
        : Object.freeze({ location: given.SMTP_URL, from: given.MAIL_FROM }),
    resetLimits: given.RESET_RATE_LIMIT,
    /** Users who must have a second factor. */
    secondFactorRule: given.SECOND_FACTOR,
    /** Where new passwords are compared with known breaches; undefined: nowhere. */
    breachUrl: given.BREACH_CHECK === 'on' ? given.BREACH_URL : undefined,
    signalRetentionMs: given.SIGNAL_RETENTION,
    auditLogYears: given.AUDIT_LOG_YEARS,
    /** How much of clients' addresses the traffic log keeps. */
    trafficLogAddresses: given.TRAFFIC_LOG_ADDRESSES,
    /** How long rows of the traffic log are kept; 0: there are none. */
    trafficRetentionMs: given.TRAFFIC_LOG_DAYS,
    /** Of all nodes together. */
    trafficMostRows: given.TRAFFIC_LOG_ROWS,
    corsOrigins: given.CORS_ORIGINS,
    /** Addresses and CIDRs that may see /metrics. */
    metricsAllow: given.METRICS_ALLOW,
    headers: toHeaderSettings(given),
    /** A file of rules; undefined: the gateway is off. */
    gatewayRules: given.GATEWAY_RULES,
    /** The domain that the session's cookie is for; undefined: this host alone. */
    cookieDomain: given.COOKIE_DOMAIN,
    /** Whether Connect proposes to keep a connection until the cutoff, also when no browser is signed in. */
    holdByDefault: given.BROKER_HOLD === 'cutoff',
    sandboxBroker: given.SANDBOX_BROKER ?? given.NODE_ENV !== PRODUCTION,
    /** When the practice broker's market trades. */
    sandboxMarket: given.SANDBOX_MARKET,
    /** Where Telegram's Bot API answers, without a slash at the end. */
    telegramApiUrl: given.TELEGRAM_API_URL,
    logLevel: given.LOG_LEVEL,
    /** Processes that share one port. More than one needs Redis. */
    workers: given.WEB_CONCURRENCY,
    /** Between saying "not ready" and refusing new connections, for a load balancer to notice. */
    shutdownDelayMs: given.SHUTDOWN_DELAY,
  });
}

/** The two settings that are read again while the server runs. Throws ConfigError. */
export const parsePolicy = (env: Environment): SessionPolicy =>
  toPolicy(parse(z.object(POLICY_SETTINGS), env));

function toPolicy(given: z.output<z.ZodObject<typeof POLICY_SETTINGS>>): SessionPolicy {
  return Object.freeze({ cutoffTime: given.SESSION_EXPIRY_TIME, idleTimeoutMs: given.SESSION_IDLE_TIMEOUT });
}
