import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../../src/core/duration.ts';
import { csvLine, readCsvCell } from '../../../src/http/csv.ts';
import { writeBanList } from '../../../src/security/bans/ban-export.ts';
import { MOST_ENTRIES, readBanList } from '../../../src/security/bans/ban-list-reader.ts';
import type { Ban } from '../../../src/security/bans/ban-store.ts';

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
  async function* portions() {
    yield bans.slice(0, 1);
    yield bans.slice(1);
  }

  test.each(['csv', 'json'] as const)('comes back as it went out, as %s', async (format) => {
    const text = await textOf(writeBanList(portions(), format));
    const wanted = bans.map(({ subject, note, until }) => ({ subject, note, until }));
    expect(read(text)).toEqual({ kind: 'list', bans: wanted, bad: [] });
  });

  test('has nothing in it that a spreadsheet would carry out', async () => {
    const text = await textOf(writeBanList(portions(), 'csv'));
    expect(text).toContain(`"'=HYPERLINK(""http://evil"",""x"")"`);
    for (const start of ['=', '+', '-', '@', '\t', '\r']) {
      expect(csvLine([`${start}1`])).toMatch(/^"?'/);
      expect(readCsvCell(`'${start}1`)).toBe(`${start}1`);
    }
    expect(csvLine(['plain', ''])).toBe('plain,\r\n');
  });

  test('an empty list is one, in both formats', async () => {
    async function* nothing(): AsyncGenerator<readonly Ban[]> {}
    const json = await textOf(writeBanList(nothing(), 'json'));
    expect(JSON.parse(json)).toEqual({ bans: [] });
    expect(read(json)).toMatchObject({ kind: 'unreadable', why: 'The file has no entries.' });
  });

  test('may be an address in each line, or a bare list in JSON', () => {
    const wanted = [
      { subject: '203.0.113.1', note: '', until: NOW + 2 * DAY_MS },
      { subject: '2001:db8::/64', note: '', until: NOW + 2 * DAY_MS },
    ];
    expect(read('\ufeff203.0.113.1\r\n# a remark\r\n\r\n2001:db8::5\r\n')).toMatchObject({ bans: wanted });
    expect(read('["203.0.113.1", "2001:db8::5"]')).toMatchObject({ bans: wanted });
  });

  test('entries that are no good are named, and the others are taken', () => {
    const reading = read(
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
    ['name,city\na,b', /no column “address”/],
    ['address\n"203.0.113.1', /quotation mark/],
    [new Uint8Array([0x50, 0x4b, 3, 4, 0, 0xff]), /neither CSV nor JSON/],
    [new Uint8Array([0x41, 0, 0x42]), /neither CSV nor JSON/],
    ['', /no entries/],
  ])('%j is refused in words, or its entries are', (content, words) => {
    const reading = read(content);
    if (reading.kind === 'unreadable') expect(reading.why).toMatch(words);
    else expect(reading).toMatchObject({ bans: [], bad: [{ line: 1 }] });
  });

  test('too many entries are too many', () => {
    const text = Array.from({ length: MOST_ENTRIES + 1 }, () => '203.0.113.1').join('\n');
    expect(read(text)).toMatchObject({ kind: 'unreadable' });
  });
});
