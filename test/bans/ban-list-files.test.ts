import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeBanList } from '../../src/bans/ban-export.ts';
import { MOST_ENTRIES, readBanList } from '../../src/bans/ban-list-reader.ts';
import type { Ban } from '../../src/bans/ban-store.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { csvLine, readCsvCell } from '../../src/http/csv.ts';

const NOW = Date.parse('2026-11-23T10:00:00+05:30');
const read = (text: string | Uint8Array) =>
  readBanList(typeof text === 'string' ? new TextEncoder().encode(text) : text, { length: '48h', now: NOW });

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

const ban = (subject: string, note: string, until: number): Ban => ({
  id: 1,
  subject,
  reason: 'manual',
  note,
  offence: 0,
  bannedBy: 'asha',
  bannedAt: NOW,
  until,
});

describe('a list of bans in a file', () => {
  const bans = [
    ban('203.0.113.1', '=HYPERLINK("http://evil","x")', NOW + DAY_MS),
    ban('2001:db8::/64', 'with, a comma and "quotes"', Number.POSITIVE_INFINITY),
    ban('203.0.113.2', "'quoted already", NOW + 1),
  ];
  async function* batches() {
    yield bans.slice(0, 1);
    yield bans.slice(1);
  }

  test.each(['csv', 'json'] as const)('comes back as it went out, as %s', async (format) => {
    const text = await textOf(writeBanList(batches(), format));
    const wanted = bans.map(({ subject, note, until }) => ({ subject, note, until }));
    expect(await read(text)).toEqual({ kind: 'list', bans: wanted, bad: [] });
  });

  test('has nothing in it that a spreadsheet would carry out', async () => {
    const text = await textOf(writeBanList(batches(), 'csv'));
    expect(text).toContain(`"'=HYPERLINK(""http://evil"",""x"")"`);
    for (const start of ['=', '+', '-', '@', '\t', '\r']) {
      expect(csvLine([`${start}1`])).toMatch(/^"?'/);
      expect(readCsvCell(`'${start}1`)).toBe(`${start}1`);
    }
    expect(csvLine(['plain', ''])).toBe('plain,\r\n');
  });

  test.each([
    ['＝1+1', `'＝1+1`],
    ['＋1', `'＋1`],
    ['－1', `'－1`],
    ['＠SUM(1)', `'＠SUM(1)`],
    ['  =1+1', `'  =1+1`],
    ['\u00a0=1+1', `'\u00a0=1+1`],
    [' \t=1+1', `' \t=1+1`],
    [`'=1+1`, `''=1+1`],
    [';=1+1', `";'=1+1"`],
    ['a; =1+1;b', `"a;' =1+1;b"`],
    ['\n=1', `"'\n=1"`],
    ['a-b; c=d', `"a-b; c=d"`],
  ])('has %j in it as %j, so that no spreadsheet takes it for a formula', (text, written) => {
    expect(csvLine([text])).toBe(`${written}\r\n`);
    const cell = written.startsWith('"') ? written.slice(1, -1) : written;
    expect(readCsvCell(cell)).toBe(text);
  });

  test('gives every cell back as it was, whatever signs are in it', () => {
    const signs = fc.constantFrom('=', '＝', '+', '-', '@', "'", ';', ' ', '\t', '\r', '\n', 'a', '1');
    fc.assert(
      fc.property(fc.array(signs, { maxLength: 8 }), (parts) => {
        const line = csvLine([parts.join('')]).slice(0, -2);
        const cell = line.startsWith('"') ? line.slice(1, -1) : line;
        expect(readCsvCell(cell)).toBe(parts.join(''));
      }),
      { numRuns: 3000 },
    );
  });

  test('an empty list is one, in both formats', async () => {
    async function* nothing(): AsyncGenerator<readonly Ban[]> {}
    const json = await textOf(writeBanList(nothing(), 'json'));
    expect(JSON.parse(json)).toEqual({ bans: [] });
    expect(await read(json)).toMatchObject({ kind: 'unreadable', why: 'The file has no entries.' });
  });

  test('may be an address in each line, or a bare list in JSON', async () => {
    const wanted = [
      { subject: '203.0.113.1', note: '', until: NOW + 2 * DAY_MS },
      { subject: '2001:db8::/64', note: '', until: NOW + 2 * DAY_MS },
    ];
    expect(await read('\ufeff203.0.113.1\r\n# a remark\r\n\r\n2001:db8::5\r\n')).toMatchObject({
      bans: wanted,
    });
    expect(await read('["203.0.113.1", "2001:db8::5"]')).toMatchObject({ bans: wanted });
  });

  test('may write a single address as a block, on its first line too', async () => {
    const list = '203.0.113.9/32\n2001:db8:1::7/128\n2001:db8:2::/64\n::ffff:198.51.100.4/128\n';
    expect(await read(list)).toMatchObject({
      bans: [
        { subject: '203.0.113.9' },
        { subject: '2001:db8:1::/64' },
        { subject: '2001:db8:2::/64' },
        { subject: '198.51.100.4' },
      ],
      bad: [],
    });
  });

  test('is not refused for a first line that is no address', async () => {
    expect(await read('203.0.113.0/24\nmail.example\n203.0.113.9\n')).toEqual({
      kind: 'list',
      bans: [{ subject: '203.0.113.9', note: '', until: NOW + 2 * DAY_MS }],
      bad: [
        { line: 1, why: 'is a block of addresses: a ban is for one address, or for a /64 of IPv6' },
        { line: 2, why: 'is no address' },
      ],
    });
  });

  test('a JSON text that is nested by the million is refused before anything of it is parsed', async () => {
    for (const text of [`[${'[],'.repeat(1_600_000)}[]]`, '['.repeat(2_400_000), '{"bans":[[[[[[[]]]]]]]}'])
      expect(await read(text)).toMatchObject({
        kind: 'unreadable',
        why: 'The file has more in it than a list of 50,000 bans can have.',
      });
  });

  test('entries that are no good are named, and the others are taken', async () => {
    const reading = await read(
      [
        'note,address,until',
        'good,203.0.113.1,permanent',
        'wide,203.0.0.0/8,',
        'late,203.0.113.2,2020-01-01T00:00:00Z',
        'vague,203.0.113.3,tomorrow',
        `${'x'.repeat(201)},203.0.113.4,`,
        'twice,203.0.113.1,',
      ].join('\n'),
    );
    expect(reading).toMatchObject({
      bans: [{ subject: '203.0.113.1', note: 'twice' }],
      bad: [{ line: 3 }, { line: 4 }, { line: 5 }, { line: 6 }],
    });
  });

  test.each([
    ['{"bans":', /cannot be read as JSON/],
    ['{"other":[]}', /without a list/],
    ['[[[]]]', /^$/],
    ['name,city\na,b', /no column “address”, and no line that begins with an address/],
    ['address\n"203.0.113.1', /quotation mark/],
    [new Uint8Array([0x50, 0x4b, 3, 4, 0, 0xff]), /ZIP or Excel/],
    [gzipSync('203.0.113.1'), /gzip/],
    [new Uint8Array([0xd0, 0xcf, 0x11, 0xe0, 0xa1]), /older Excel/],
    [Buffer.from('203.0.113.1', 'utf16le'), /no text has/],
    [Buffer.from('\ufeff203.0.113.1', 'utf16le'), /UTF-16/],
    ['%PDF-1.7', /PDF/],
    ['\n<!DOCTYPE html><title>Sign in</title>', /web page/],
    ['<?xml version="1.0"?>', /web page/],
    [new Uint8Array([0x41, 0, 0x42]), /no text has/],
    [new Uint8Array([0x41, 0xff, 0xfe, 0x42]), /neither CSV nor JSON/],
    ['PK,address\nx,203.0.113.300', /^$/],
    ['', /no entries/],
  ])('%j is refused in words, or its entries are', async (content, words) => {
    const reading = await read(content);
    if (reading.kind === 'unreadable') expect(reading.why).toMatch(words);
    else expect(reading).toMatchObject({ bans: [], bad: [{ why: 'is no address' }] });
  });

  test('too many entries are too many, and the most are not', async () => {
    const lines = (count: number) => Array.from({ length: count }, () => '203.0.113.1').join('\n');
    expect(await read(`address\n${lines(MOST_ENTRIES)}`)).toMatchObject({ kind: 'list' });
    expect(await read(lines(MOST_ENTRIES + 1))).toMatchObject({
      kind: 'unreadable',
      why: 'The file has more than 50,000 entries, which are the most.',
    });
  });

  test('a long one is read without keeping the event loop', async () => {
    const text = Array.from(
      { length: MOST_ENTRIES },
      (_, each) => `10.${each >> 16}.${(each >> 8) & 255}.${each & 255},a note`,
    );
    const turns = countTurns();
    expect(await read(text.join('\n'))).toMatchObject({ kind: 'list', bad: [] });
    // Others had their turn at least once for every so many entries, however slow this machine is.
    expect(turns.stop()).toBeGreaterThan(MOST_ENTRIES / 1000);
  });
});

/** How often a timer that is due at once gets its turn. */
function countTurns() {
  let turns = 0;
  let timer = setImmediate(function again() {
    turns += 1;
    timer = setImmediate(again);
  });
  return {
    stop(): number {
      clearImmediate(timer);
      return turns;
    },
  };
}
