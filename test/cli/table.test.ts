import { describe, expect, it } from 'vitest';
import { printJsonList, toJson } from '../../src/cli/json.ts';
import { printTable } from '../../src/cli/table.ts';

const columns = [
  { heading: 'NAME', value: (row: { name: string }) => row.name },
  { heading: 'LENGTH', value: (row: { name: string }) => String(row.name.length) },
];

function createPrinter() {
  const lines: string[] = [];
  const print = (text: string): Promise<void> => {
    lines.push(text);
    return Promise.resolve();
  };
  return { print, text: () => lines.join('\n') };
}

async function* inBatches<T>(...batches: readonly (readonly T[])[]): AsyncIterable<readonly T[]> {
  yield* batches;
}

describe('a table', () => {
  it('is as wide as its first batch, and longer cells push on', async () => {
    const printer = createPrinter();
    const count = await printTable(
      printer,
      columns,
      inBatches<{ name: string }>([], [{ name: 'Zoë' }, { name: 'आशा' }], [{ name: 'Ravindranath' }]),
    );
    expect(count).toBe(3);
    expect(printer.text()).toBe('NAME  LENGTH\nZoë   3\nआशा   3\nRavindranath  12');
  });

  it('is out batch by batch, so that it needs no memory', async () => {
    const printer = createPrinter();
    const seen: string[] = [];
    async function* batches() {
      yield [{ name: 'first' }];
      seen.push(printer.text());
      yield [{ name: 'second' }];
    }
    await printTable(printer, columns, batches());
    expect(seen).toEqual(['NAME   LENGTH\nfirst  5']);
  });

  it('shows what would command a terminal, and does not pass it on', async () => {
    const printer = createPrinter();
    const name = 'a\u001b[2J\u009b31m\u202eevil\nb';
    await printTable(printer, columns, inBatches([{ name }]));
    expect(printer.text().split('\n')[1]).toMatch(/^a\?\[2J\?31m\?evil\?b {2}\d+$/);
  });
});

describe('JSON', () => {
  it('is one document, with a line for each element', async () => {
    const printer = createPrinter();
    await printJsonList(printer, 'names', inBatches<string>(['a', 'b'], [], ['c']));
    expect(printer.text()).toBe('{"names":[\n"a",\n"b"\n,"c"\n]}');
    expect(JSON.parse(printer.text())).toEqual({ names: ['a', 'b', 'c'] });
  });

  it('passes nothing on that would command a terminal', () => {
    const text = 'a\u001b[2J\u009b31m';
    expect(toJson(text)).toBe('"a\\u001b[2J\\u009b31m"');
    expect(JSON.parse(toJson(text))).toBe(text);
  });
});
