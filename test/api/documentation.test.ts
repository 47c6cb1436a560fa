import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importKnownSymbols } from '../strategies/known-symbols.ts';
import { makeStrategy } from '../strategies/trader.ts';
import { createSettableClock, type SettableClock } from '../support/settable-clock.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { connectSandbox, createVisitor, setUp, signIn, type Visitor } from '../support/visitor.ts';
import { makeKey } from './api-client.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/api.md', import.meta.url));
const run = promisify(execFile);

let clock: SettableClock;
let server: TestServer;
let owner: Visitor;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  clock = createSettableClock('2026-11-23T10:00:00+05:30');
  server = await startTestServer({ clock });
  owner = createVisitor(server.origin);
  await setUp(owner);
  await signIn(owner);
  await connectSandbox(owner);
  await importKnownSymbols(server.services);
  const { key } = await makeKey(owner, { name: 'Breakout bot' });
  const { webhook } = await makeStrategy(owner, { name: 'Opening range' });
  environment = { PATH: process.env['PATH'] ?? '', CURFEW: server.origin, CURFEW_KEY: key, WEBHOOK: webhook };
});
afterAll(() => server.close());

/** Mended by hand, or recorded anew with `npx vitest run --project server test/api/documentation.test.ts -u`. */
test('what docs/api.md shows is what the server answers', async () => {
  const text = await readFile(DOCUMENT, 'utf8');
  let shown = '';
  let read = 0;
  for (const block of text.matchAll(/(?:<!-- (.*) -->\n)?```console\n([\s\S]*?)```/g)) {
    const [whole, stage = '', lines = ''] = block;
    await set(stage);
    const sessions: string[] = [];
    for (const [line, command = ''] of lines.matchAll(/^\$ (.*)$/gm))
      sessions.push(`${line}\n${await answerTo(command)}`);
    shown += text.slice(read, block.index) + whole.replace(lines, () => sessions.join(''));
    read = block.index + whole.length;
  }
  await expect(shown + text.slice(read)).toMatchFileSnapshot(DOCUMENT);
});

/** What a comment in front of a session asks for: `clock INSTANT`, and `sign in and connect`. */
async function set(stage: string): Promise<void> {
  const instant = /clock (\S+?)(?:,|$)/.exec(stage)?.[1];
  if (instant !== undefined) clock.set(instant);
  if (!stage.includes('sign in and connect')) return;
  await signIn(owner);
  await connectSandbox(owner);
}

async function answerTo(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], { env: environment });
  const text = withoutChance(stdout);
  return `${text.startsWith('{') && text.endsWith('}') ? print(JSON.parse(text), '') : text.trim()}\n`;
}

const KEY_ID = '7Hq2xT9aBcD0';
const UUIDS = new Map<string, string>();
const TOKENS = new Map<string, string>();
const FINGERPRINTS = new Map<string, string>();

/** Ids, tokens, ports and the second in which a window ends. */
function withoutChance(text: string): string {
  return text
    .replaceAll('\r', '')
    .replaceAll(server.origin, 'http://127.0.0.1:5000')
    .replaceAll(environment['CURFEW_KEY']?.split('_')[1] ?? '', KEY_ID)
    .replaceAll(/(?<="token":")[^"]+/g, (token) => standIn(TOKENS, token, (nth) => `token-of-day-${nth}`))
    .replaceAll(/(?<="fingerprint":")[^"]+/g, (print) =>
      standIn(FINGERPRINTS, print, (nth) => `fingerprint-of-day-${nth}`),
    )
    .replaceAll(/t=\d+/g, 't=60')
    .replaceAll(/r=\d+/g, 'r=42')
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (uuid) =>
      standIn(UUIDS, uuid, (nth) => `5a0f8a1e-4f0b-4a52-9d3e-00000000000${nth}`),
    );
}

/** The same for the same text, and another one for another. */
function standIn(known: Map<string, string>, text: string, make: (nth: number) => string): string {
  const replacement = known.get(text) ?? make(known.size + 1);
  known.set(text, replacement);
  return replacement;
}

const WIDTH = 120;

/** JSON in as few lines as can be read. */
function print(value: unknown, indent: string): string {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || line.length + indent.length <= WIDTH) return line;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((each) => inner + print(each, inner))
    : Object.entries(value).map(([name, each]) => `${inner}${JSON.stringify(name)}: ${print(each, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${parts.join(',\n')}\n${indent}${close}`;
}
