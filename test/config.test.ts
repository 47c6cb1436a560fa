import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, type Environment, parseConfig, parsePolicy } from '../src/config.ts';
import { USUAL_HEADERS } from '../src/http/header-settings.ts';
import type { RateLimitName } from '../src/http/rate-limit-table.ts';
import { TEST_SECRETS } from './support/test-server.ts';

const PROJECT = resolve(import.meta.dirname, '..');
const GOOD: Environment = { ...TEST_SECRETS, MAIL_FROM: 'curfew@example.com' };
const OTHER_SECRET = 'e4d909c290d0fb1ca068ffaddf22cbd0e4d909c2';
const OTHER_KEY = 'ZwMrKGJ5ZzN0dDh4bXFwbDR2c3c5ZTFhdTcwaGtieWY';

const SECRET_NAMES = ['SESSION_SECRET', 'ENCRYPTION_KEY', 'PEPPER'] as const;

/** Everything of the contract's table. */
const CONTRACT = [
  'HOST',
  'PORT',
  'BASE_URL',
  'DATABASE_URL',
  'REDIS_URL',
  'SESSION_SECRET',
  'ENCRYPTION_KEY',
  'PEPPER',
  'SESSION_EXPIRY_TIME',
  'SESSION_IDLE_TIMEOUT',
  'MAX_SESSIONS_PER_USER',
  'TRUST_PROXY',
  'LOGIN_RATE_LIMIT',
  'API_RATE_LIMIT',
  'API_USER_RATE_LIMIT',
  'RESET_RATE_LIMIT',
  'WEBHOOK_RATE_LIMIT',
  'PAGE_RATE_LIMIT',
  'SECURITY_RATE_LIMIT',
  'POLL_RATE_LIMIT',
  'PUBLIC_RATE_LIMIT',
  'PROGRAM_RATE_LIMIT',
  'CSP_REPORT_RATE_LIMIT',
  'SIGNAL_RETENTION',
  'AUDIT_LOG_YEARS',
  'TRAFFIC_LOG_DAYS',
  'TRAFFIC_LOG_ROWS',
  'TRAFFIC_LOG_ADDRESSES',
  'METRICS_ALLOW',
  'CORS_ORIGINS',
  'CSP_MODE',
  'CSP_EXTRA',
  'COOP',
  'CORP',
  'REFERRER_POLICY',
  'PERMISSIONS_POLICY',
  'HSTS',
  'SECOND_FACTOR',
  'BREACH_CHECK',
  'BREACH_URL',
  'SMTP_URL',
  'MAIL_FROM',
  'SANDBOX_BROKER',
  'LOG_LEVEL',
] as const;
type Name = (typeof CONTRACT)[number];

function problemsOf(env: Environment): ConfigError {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('These settings were accepted');
}

/** The usual limits, but for one. */
const limitsWith = (name: RateLimitName, points: number, durationSeconds: number) => ({
  ...parseConfig(GOOD).rateLimits,
  [name]: [{ points, durationSeconds }],
});

describe('the settings', () => {
  it('have the defaults of the contract', () => {
    expect(parseConfig(GOOD)).toMatchObject({
      host: '127.0.0.1',
      port: 5000,
      baseUrl: 'http://127.0.0.1:5000',
      https: false,
      database: { dialect: 'sqlite', file: 'data/curfew.db' },
      redis: undefined,
      sessionSecrets: [TEST_SECRETS.SESSION_SECRET],
      encryptionKeys: [TEST_SECRETS.ENCRYPTION_KEY],
      peppers: [TEST_SECRETS.PEPPER],
      policy: { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 1_800_000 },
      maxSessionsPerUser: 5,
      trustProxy: [],
      rateLimits: {
        login: [
          { points: 5, durationSeconds: 60 },
          { points: 25, durationSeconds: 3600 },
        ],
        api: [{ points: 60, durationSeconds: 60 }],
        webhooks: [{ points: 60, durationSeconds: 60 }],
        pages: [{ points: 300, durationSeconds: 60 }],
        security: [{ points: 200, durationSeconds: 60 }],
        polls: [{ points: 1200, durationSeconds: 60 }],
        public: [{ points: 600, durationSeconds: 60 }],
        programs: [{ points: 600, durationSeconds: 60 }],
        cspReports: [{ points: 60, durationSeconds: 60 }],
      },
      headers: USUAL_HEADERS,
      corsOrigins: [],
      sandboxBroker: true,
      logLevel: 'info',
    });
  });

  it('are frozen', () => {
    const config = parseConfig({ ...GOOD, TRUST_PROXY: '10.0.0.1' });
    for (const part of [
      config,
      config.policy,
      config.sessionSecrets,
      config.trustProxy,
      config.rateLimits,
      config.headers,
    ])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('count as not set when empty or blank', () => {
    const names = CONTRACT.filter((name) => name !== 'SESSION_EXPIRY_TIME');
    const blank = Object.fromEntries(names.map((name) => [name, '  ']));
    expect(parseConfig({ ...blank, ...GOOD })).toEqual(parseConfig(GOOD));
  });

  it.each(['', '  '])('refuse a SESSION_EXPIRY_TIME of %j: off and 03:00 are both meant by it', (value) => {
    const { problems, message } = problemsOf({ ...GOOD, SESSION_EXPIRY_TIME: value });
    expect(problems.map(({ name }) => name)).toEqual(['SESSION_EXPIRY_TIME']);
    expect(message).toContain('SESSION_EXPIRY_TIME: is empty');
    expect(() => parsePolicy({ SESSION_EXPIRY_TIME: value })).toThrow(ConfigError);
  });

  it.each([
    '0.0.0.0/1,128.0.0.0/1',
    '0.0.0.0/1',
    '10.0.0.1, 128.0.0.0/2, 192.0.0.0/2, 0.0.0.0/2',
    '::/1,8000::/1',
    '2000::/3',
    '2000::/4,3000::/5',
    '::ffff:0:0/96',
    '::ffff:0.0.0.0/97,128.0.0.0/1',
    '::/0',
  ])('refuse a TRUST_PROXY of %s: together that is everybody', (value) => {
    expect(problemsOf({ ...GOOD, TRUST_PROXY: value }).problems.map(({ name }) => name)).toEqual([
      'TRUST_PROXY',
    ]);
  });

  it.each([
    '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,127.0.0.1,::1,fc00::/7',
    '0.0.0.0/2,0.0.0.0/3,0.0.0.0/4',
    '2001:db8::/32,2400:cb00::/32',
  ])('take a TRUST_PROXY of %s, whose entries overlap or are private', (value) => {
    expect(parseConfig({ ...GOOD, TRUST_PROXY: value }).trustProxy).toEqual(value.split(','));
  });

  it.each<[Name, string, Partial<Config>]>([
    ['HOST', '0.0.0.0', { host: '0.0.0.0' }],
    ['HOST', '::1', { host: '::1' }],
    ['HOST', 'localhost', { host: 'localhost' }],
    ['PORT', '8080', { port: 8080, baseUrl: 'http://127.0.0.1:8080' }],
    ['PORT', '65535', { port: 65_535 }],
    ['BASE_URL', 'http://192.168.1.5:5000', { baseUrl: 'http://192.168.1.5:5000', https: false }],
    ['BASE_URL', 'https://curfew.example.com', { baseUrl: 'https://curfew.example.com', https: true }],
    ['BASE_URL', 'https://curfew.example.com/', { baseUrl: 'https://curfew.example.com', https: true }],
    [
      'DATABASE_URL',
      'sqlite:/var/lib/curfew.db',
      { database: { dialect: 'sqlite', file: '/var/lib/curfew.db' } },
    ],
    [
      'DATABASE_URL',
      'postgres://u:p@h/db',
      { database: { dialect: 'postgres', url: 'postgres://u:p@h/db' } },
    ],
    ['DATABASE_URL', 'postgresql://h/db', { database: { dialect: 'postgres', url: 'postgresql://h/db' } }],
    ['REDIS_URL', 'redis://127.0.0.1:6379/1', { redis: { kind: 'single', url: 'redis://127.0.0.1:6379/1' } }],
    ['REDIS_URL', 'redis://cache?family=6', { redis: { kind: 'single', url: 'redis://cache?family=6' } }],
    ['REDIS_URL', 'rediss://:pw@cache:6380', { redis: { kind: 'single', url: 'rediss://:pw@cache:6380' } }],
    [
      'REDIS_URL',
      'redis://a:1,redis://b:2',
      { redis: { kind: 'cluster', urls: ['redis://a:1', 'redis://b:2'] } },
    ],
    [
      'SESSION_SECRET',
      `${OTHER_SECRET} , ${TEST_SECRETS.PEPPER}`,
      { sessionSecrets: [OTHER_SECRET, TEST_SECRETS.PEPPER] },
    ],
    ['ENCRYPTION_KEY', `${OTHER_KEY},${OTHER_KEY}=`, { encryptionKeys: [OTHER_KEY, `${OTHER_KEY}=`] }],
    ['PEPPER', OTHER_SECRET, { peppers: [OTHER_SECRET] }],
    ['PEPPER', `${OTHER_SECRET}, ${TEST_SECRETS.PEPPER}`, { peppers: [OTHER_SECRET, TEST_SECRETS.PEPPER] }],
    [
      'SESSION_EXPIRY_TIME',
      '23:30',
      { policy: { cutoffTime: { hour: 23, minute: 30 }, idleTimeoutMs: 1_800_000 } },
    ],
    ['SESSION_EXPIRY_TIME', 'off', { policy: { cutoffTime: 'off', idleTimeoutMs: 1_800_000 } }],
    [
      'SESSION_IDLE_TIMEOUT',
      '90s',
      { policy: { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 90_000 } },
    ],
    [
      'SESSION_IDLE_TIMEOUT',
      '8h',
      { policy: { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 28_800_000 } },
    ],
    ['SESSION_IDLE_TIMEOUT', 'Off', { policy: { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 'off' } }],
    ['MAX_SESSIONS_PER_USER', '1', { maxSessionsPerUser: 1 }],
    [
      'TRUST_PROXY',
      '127.0.0.1, 10.0.0.0/8,fd00::/8',
      { trustProxy: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] },
    ],
    ['LOGIN_RATE_LIMIT', '3 / second', { rateLimits: limitsWith('login', 3, 1) }],
    ['API_RATE_LIMIT', '100/day', { rateLimits: limitsWith('api', 100, 86_400) }],
    ['WEBHOOK_RATE_LIMIT', '9/second', { rateLimits: limitsWith('webhooks', 9, 1) }],
    ['PAGE_RATE_LIMIT', '9/second', { rateLimits: limitsWith('pages', 9, 1) }],
    ['SECURITY_RATE_LIMIT', '9/second', { rateLimits: limitsWith('security', 9, 1) }],
    ['POLL_RATE_LIMIT', '9/second', { rateLimits: limitsWith('polls', 9, 1) }],
    ['PUBLIC_RATE_LIMIT', '9/second', { rateLimits: limitsWith('public', 9, 1) }],
    ['PROGRAM_RATE_LIMIT', '9/second', { rateLimits: limitsWith('programs', 9, 1) }],
    ['CSP_REPORT_RATE_LIMIT', '9/second', { rateLimits: limitsWith('cspReports', 9, 1) }],
    ['SIGNAL_RETENTION', '7d', { signalRetentionMs: 604_800_000 }],
    ['AUDIT_LOG_YEARS', '7', { auditLogYears: 7 }],
    ['TRAFFIC_LOG_ROWS', '250000', { trafficMostRows: 250_000 }],
    ['TRAFFIC_LOG_DAYS', '7', { trafficRetentionMs: 604_800_000 }],
    ['TRAFFIC_LOG_DAYS', 'Off', { trafficRetentionMs: 0 }],
    ['TRAFFIC_LOG_ADDRESSES', 'hashed', { trafficLogAddresses: 'hashed' }],
    ['METRICS_ALLOW', 'any', { metricsAllow: ['0.0.0.0/0', '::/0'] }],
    ['METRICS_ALLOW', '203.0.113.7, 2001:db8::/48', { metricsAllow: ['203.0.113.7', '2001:db8::/48'] }],
    [
      'CORS_ORIGINS',
      'https://a.example,http://b.example:81',
      { corsOrigins: ['https://a.example', 'http://b.example:81'] },
    ],
    ['CSP_MODE', 'report', { headers: { ...USUAL_HEADERS, cspMode: 'report' } }],
    [
      'CSP_EXTRA',
      "img-src https://logo.example.com data:; connect-src wss://*.example.com:8443; script-src 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' ;",
      {
        headers: {
          ...USUAL_HEADERS,
          cspExtra: new Map([
            ['img-src', ['https://logo.example.com', 'data:']],
            ['connect-src', ['wss://*.example.com:8443']],
            ['script-src', ["'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='"]],
          ]),
        },
      },
    ],
    ['COOP', 'unsafe-none', { headers: { ...USUAL_HEADERS, coop: 'unsafe-none' } }],
    ['CORP', 'cross-origin', { headers: { ...USUAL_HEADERS, corp: 'cross-origin' } }],
    ['REFERRER_POLICY', 'strict-origin', { headers: { ...USUAL_HEADERS, referrerPolicy: 'strict-origin' } }],
    [
      'PERMISSIONS_POLICY',
      'camera=(), fullscreen=(self "https://a.example"), usb=*',
      {
        headers: {
          ...USUAL_HEADERS,
          permissionsPolicy: 'camera=(), fullscreen=(self "https://a.example"), usb=*',
        },
      },
    ],
    ['HSTS', 'preload', { headers: { ...USUAL_HEADERS, hsts: 'preload' } }],
    ['SECOND_FACTOR', 'all', { secondFactorRule: 'all' }],
    ['MAIL_FROM', 'Curfew <curfew@example.com>', { smtp: undefined }],
    ['SANDBOX_BROKER', 'off', { sandboxBroker: false }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
  ])('take %s=%s', (name, value, expected) => {
    expect(parseConfig({ ...GOOD, [name]: value })).toMatchObject(expected);
  });

  it.each<[Name, readonly string[]]>([
    ['HOST', ['two words', 'http://127.0.0.1', '127.0.0.1/8', 'a,b']],
    ['PORT', ['-1', '65536', '99999999', '5000.5', '0x50', 'http', '5 000', '1e3']],
    [
      'BASE_URL',
      [
        'curfew.example.com',
        'ftp://h',
        'https://h/path',
        'https://h?x=1',
        'https://u:p@h',
        'https://h#x',
        '//h',
      ],
    ],
    [
      'DATABASE_URL',
      [
        'mysql://h/db',
        'sqlite:',
        'data/curfew.db',
        'postgres:/h',
        'postgres://h:port/db',
        'SQLITE:x',
        'sqlite://data/x.db',
        'sqlite:///db/x.db',
        'sqlite:////db/x.db',
        'sqlite:x.db?mode=ro',
        'sqlite:file:x.db',
        'postgres://h/db#x',
        'postgres://h/db?connect_timeout=5',
      ],
    ],
    [
      'REDIS_URL',
      [
        '127.0.0.1:6379',
        'http://h',
        'redis://',
        'redis+sentinel://h:1',
        'redis://a,http://b',
        'redis://h/abc',
        'redis://h/1/2',
        'redis://h/99999',
        'redis://h?db=3',
        'redis://h#1',
        'redis://a:1/2,redis://b:2',
        ',',
        'unix:/tmp/x',
      ],
    ],
    [
      'SESSION_SECRET',
      ['short', 'a'.repeat(64), `${OTHER_SECRET},short`, `change-me-${OTHER_SECRET}`, ',', ' , ,'],
    ],
    [
      'ENCRYPTION_KEY',
      [
        'short',
        OTHER_KEY.slice(1),
        `${OTHER_KEY}AA`,
        `${OTHER_KEY},x`,
        'A'.repeat(43),
        `+${OTHER_KEY.slice(1)}`,
        ',',
      ],
    ],
    ['PEPPER', ['short', 'b'.repeat(40), `your-secret-${OTHER_SECRET}`, `<${OTHER_SECRET}>`]],
    ['SESSION_EXPIRY_TIME', ['3:00', '24:00', '03:60', '3 am', 'never', '03:00,04:00']],
    ['SESSION_IDLE_TIMEOUT', ['0m', '30', '30 minutes', '-5m', 'never', '1h30m']],
    ['MAX_SESSIONS_PER_USER', ['0', '-1', '1.5', 'many', '10000', '1e1']],
    [
      'TRUST_PROXY',
      ['true', '1', '10/8', 'loopback', '*', '127.0.0.1;10.0.0.1', '10.0.0.0/33', '0.0.0.0/0', '::/0'],
    ],
    [
      'LOGIN_RATE_LIMIT',
      ['5', '5/week', '0/minute', 'minute/5', '5/minute;25/hour', '5/minute,x', ',', '-5/hour'],
    ],
    ['API_RATE_LIMIT', ['60', '60/m', '60 per minute', ',']],
    ['RESET_RATE_LIMIT', ['15', '15/fortnight', ', ,']],
    ['WEBHOOK_RATE_LIMIT', ['60', '60/m', ',']],
    ['PAGE_RATE_LIMIT', ['300', 'off', '0/minute']],
    ['SECURITY_RATE_LIMIT', ['200', 'off', '0/minute']],
    ['POLL_RATE_LIMIT', ['1200', 'off', '0/minute']],
    ['PUBLIC_RATE_LIMIT', ['600', 'off', '0/minute']],
    ['PROGRAM_RATE_LIMIT', ['600', 'off', '0/minute']],
    ['CSP_REPORT_RATE_LIMIT', ['60', 'off', '0/minute']],
    ['SECOND_FACTOR', ['on', 'everybody', 'admins,all']],
    ['BREACH_CHECK', ['yes', 'true', '1']],
    ['BREACH_URL', ['api.example.com', 'ftp://api.example.com', 'https://api.example.com/range?key=1']],
    ['SMTP_URL', ['mail.example.com', 'http://mail.example.com', 'smtp://mail.example.com/path']],
    ['MAIL_FROM', ['curfew', 'Curfew curfew@example.com', 'a@example.com, b@example.com']],
    ['CSP_MODE', ['off', 'report-only', 'none']],
    [
      'CSP_EXTRA',
      [
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-hashes'",
        'script-src https:',
        'script-src *',
        'script-src data:',
        'img-src http://a.example',
        'connect-src https://a.example/?q=1',
        "frame-ancestors 'self'",
        'default-src https://a.example',
        'object-src https://a.example',
        'img-src',
        'img-src https://a.example; img-src https://b.example',
        'img-src https://a.example, https://b.example',
      ],
    ],
    ['COOP', ['none', 'same-site', 'same-origin-plus-coep']],
    ['CORP', ['none', 'off']],
    // The first would have browsers send forms without an origin, the others tell strangers where people are.
    ['REFERRER_POLICY', ['no-referrer', 'unsafe-url', 'origin', 'no-referrer-when-downgrade']],
    [
      'PERMISSIONS_POLICY',
      ['camera', 'camera=self', "camera 'none'", 'camera=();usb=()', 'camera=(http://a)'],
    ],
    ['HSTS', ['off', 'on', 'includeSubDomains', '31536000']],
    ['SIGNAL_RETENTION', ['30', '23h', 'off', '1w', '-1d']],
    ['AUDIT_LOG_YEARS', ['4', '0', '5y', '100', '5.5', '-6']],
    ['TRAFFIC_LOG_ROWS', ['0', '-1', '9999', '1000000000', '1e6', 'off']],
    ['TRAFFIC_LOG_DAYS', ['0', '-1', '30d', '1.5', '10000', 'never']],
    ['TRAFFIC_LOG_ADDRESSES', ['none', 'yes', 'FULL', 'full,hashed']],
    ['METRICS_ALLOW', ['all', '0.0.0.0/0', '10.0.0.0/33', 'monitor.example', 'private,any', '1']],
    ['CORS_ORIGINS', ['*', 'https://a.example/path', 'a.example', 'https://a.example,*', 'null']],
    ['SANDBOX_BROKER', ['yes', 'true', '1', 'ON!']],
    ['LOG_LEVEL', ['verbose', 'INFO', '30']],
  ])('refuse a %s that is malformed, by name and with an example', (name, values) => {
    for (const value of values) {
      const { problems, message } = problemsOf({ ...GOOD, [name]: value });
      expect(
        problems.map((problem) => problem.name),
        value,
      ).toEqual([name]);
      expect(message).toContain(`  ${name}: `);
      expect(message).toContain(`Example: ${name}=`);
    }
  });

  it('give examples that are accepted themselves', () => {
    const wrong = Object.fromEntries(CONTRACT.map((name) => [name, '\u0001 not a setting']));
    const { problems } = problemsOf(wrong);
    expect(problems.map(({ name }) => name).sort()).toEqual([...CONTRACT].sort());
    for (const { name, example } of problems) {
      if (SECRET_NAMES.some((secret) => secret === name)) continue;
      expect(() => parseConfig({ ...GOOD, [name]: example }), name).not.toThrow();
    }
  });

  it.each([
    [
      'sqlite:///db/x.db',
      "Write sqlite:db/x.db for a file in Curfew's folder, or sqlite:/db/x.db for one at the root",
    ],
    ['sqlite://data/x.db', 'Write sqlite:data/x.db for a file'],
    ['postgres://h/db?sslmode=require&channel_binding=require', 'not read: channel_binding'],
  ])('say how to write a DATABASE_URL of %s', (value, words) => {
    expect(problemsOf({ ...GOOD, DATABASE_URL: value }).message).toContain(words);
  });

  it('are all listed in one message when several are wrong', () => {
    const { message, problems } = problemsOf({
      ...GOOD,
      PORT: 'http',
      PEPPER: '',
      LOG_LEVEL: 'loud',
      REDIS_URL: 'x',
    });
    expect(problems.map(({ name }) => name)).toEqual(['PORT', 'REDIS_URL', 'PEPPER', 'LOG_LEVEL']);
    expect(message.split('\n')).toHaveLength(5);
  });

  it('name a wrong value in one printable line', () => {
    const { message } = problemsOf({ ...GOOD, SESSION_EXPIRY_TIME: `\u001b[2J\n03:00\r${'x'.repeat(500)}` });
    expect(message.split('\n')).toHaveLength(2);
    expect(message).not.toMatch(/[^\n\x20-\x7e]/);
    expect(message.length).toBeLessThan(250);
  });

  it('accept a random secret whatever letters stand in it', () => {
    expect(parseConfig({ ...GOOD, PEPPER: 'k3XxXx9Qw7-LpZ_aB4vN8mTfR2sYdHcJ' }).peppers[0]).toContain('XxXx');
  });
});

describe('the settings of several processes', () => {
  const REDIS_URL = 'redis://127.0.0.1:6379';

  it('are one process and no delay unless asked for', () => {
    expect(parseConfig(GOOD)).toMatchObject({ workers: 1, shutdownDelayMs: 0 });
    expect(parseConfig({ ...GOOD, SHUTDOWN_DELAY: '5s' }).shutdownDelayMs).toBe(5000);
    expect(parseConfig({ ...GOOD, SHUTDOWN_DELAY: 'off' }).shutdownDelayMs).toBe(0);
    expect(parseConfig({ ...GOOD, WEB_CONCURRENCY: '4', REDIS_URL }).workers).toBe(4);
  });

  it('need Redis to share their sessions', () => {
    expect(problemsOf({ ...GOOD, WEB_CONCURRENCY: '2' }).message).toContain('REDIS_URL');
    expect(parseConfig({ ...GOOD, WEB_CONCURRENCY: '1' }).workers).toBe(1);
  });

  it.each([
    ['WEB_CONCURRENCY', ['0', '-1', 'auto', '1.5']],
    ['SHUTDOWN_DELAY', ['5', 'soon', '-1s', '0s']],
  ])('are refused by name where %s is malformed', (name, values) => {
    for (const value of values)
      expect(
        problemsOf({ ...GOOD, REDIS_URL, [name]: value }).problems.map((problem) => problem.name),
      ).toEqual([name]);
  });
});

describe('the settings in production', () => {
  const production = { NODE_ENV: 'production' };

  it('are refused with every missing, short, placeholder and malformed one named at once', () => {
    const { problems } = problemsOf({
      ...production,
      SESSION_SECRET: `${OTHER_SECRET},tooshort`,
      ENCRYPTION_KEY: 'not-a-key',
      BASE_URL: 'curfew',
      DATABASE_URL: 'oracle://x',
      SESSION_EXPIRY_TIME: '25:00',
      MAX_SESSIONS_PER_USER: 'lots',
    });
    expect(Object.fromEntries(problems.map(({ name, problem }) => [name, problem]))).toMatchObject({
      SESSION_SECRET: expect.stringContaining('needs at least 32'),
      ENCRYPTION_KEY: expect.stringContaining('32 bytes as base64url'),
      PEPPER: 'is missing',
      BASE_URL: expect.any(String),
      DATABASE_URL: expect.any(String),
      SESSION_EXPIRY_TIME: expect.stringContaining('25:00'),
      MAX_SESSIONS_PER_USER: expect.any(String),
    });
    expect(problems).toHaveLength(7);
  });

  it('are refused with no secrets at all', () => {
    expect(problemsOf(production).problems.map(({ name }) => name)).toEqual([...SECRET_NAMES]);
  });

  it('keep the practice broker off unless it is asked for', () => {
    expect(parseConfig({ ...GOOD, ...production }).sandboxBroker).toBe(false);
    expect(parseConfig({ ...GOOD, ...production, SANDBOX_BROKER: 'on' }).sandboxBroker).toBe(true);
    expect(parseConfig({ ...GOOD, NODE_ENV: 'development' }).sandboxBroker).toBe(true);
  });

  it('are refused where a cookie could be signed with the pepper', () => {
    const SESSION_SECRET = `${OTHER_SECRET},${TEST_SECRETS.PEPPER}`;
    const { problems } = problemsOf({ ...GOOD, ...production, SESSION_SECRET });
    expect(problems).toMatchObject([{ name: 'PEPPER', problem: expect.stringContaining('SESSION_SECRET') }]);
    expect(parseConfig({ ...GOOD, SESSION_SECRET }).sessionSecrets).toHaveLength(2);
  });

  it('stop the server before it listens when they are bad', () => {
    const env = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: '0',
      PEPPER: 'hunter2-hunter2',
      LOG_LEVEL: 'x',
    };
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROJECT, 'src/main.ts')], {
      cwd: import.meta.dirname,
      env,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^ {2}PEPPER: /m);
    expect(stderr).toMatch(/^ {2}LOG_LEVEL: /m);
    expect(stderr).not.toContain('hunter2');
    expect(stderr).not.toContain('.ts:');
  });
});

describe('a message about bad settings', () => {
  it.each<[Name, string]>([
    ['SESSION_SECRET', 'hunter2-short'],
    ['SESSION_SECRET', 'hunter2-change-me-hunter2-change-me-hunter2'],
    ['ENCRYPTION_KEY', 'hunter2-is-not-a-fernet-key'],
    ['PEPPER', 'hunter2'],
    ['DATABASE_URL', 'mysql://curfew:hunter2@db/curfew'],
    ['DATABASE_URL', 'postgres://curfew:hunter2@db:port/curfew'],
    ['REDIS_URL', 'http://:hunter2@cache:6379'],
    ['REDIS_URL', 'redis://:hunter2@a:1,http://b'],
    ['BASE_URL', 'https://admin:hunter2@curfew.example.com'],
    ['CORS_ORIGINS', 'https://admin:hunter2@curfew.example.com'],
  ])('does not repeat what stands in %s (%s)', (name, value) => {
    const error = problemsOf({ ...GOOD, [name]: value });
    expect(`${error.message} ${JSON.stringify(error.problems)} ${error.stack}`).not.toContain('hunter2');
  });

  it('never holds a secret, good or bad, whatever else is wrong', () => {
    const secrets = fc.stringMatching(/^[A-Za-z0-9_=-]{8,60}$/).filter((text) => !/^[A-Z_]+=?$/.test(text));
    fc.assert(
      fc.property(secrets, secrets, secrets, (sessionSecret, key, pepper) => {
        const env = { SESSION_SECRET: sessionSecret, ENCRYPTION_KEY: key, PEPPER: pepper, PORT: 'x' };
        const { message } = problemsOf(env);
        for (const secret of [sessionSecret, key, pepper]) expect(message).not.toContain(secret);
      }),
    );
  });
});

describe('.env.example', () => {
  const example = readFileSync(join(PROJECT, '.env.example'), 'utf8');

  it('explains every setting of the contract', () => {
    const named = Object.keys(parseEnv(example));
    expect(named).toEqual(expect.arrayContaining([...CONTRACT]));
  });

  it('holds the defaults, and no secret', () => {
    const values = parseEnv(example);
    for (const name of SECRET_NAMES) expect(values[name]).toBe('');
    expect(parseConfig({ ...values, ...GOOD })).toEqual(parseConfig(GOOD));
  });
});
