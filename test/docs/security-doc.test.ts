import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/security.md', ROOT), 'utf8');
const named = [...page.matchAll(/`((?:src|test|views|docs|public)\/[^`\s]+)`/g)].map(
  ([, path]) => path ?? '',
);

describe('docs/security.md', () => {
  it('names files that are there', () => {
    expect(new Set(named).size).toBeGreaterThan(80);
    expect(named.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
  });

  it('links to pages that are there', () => {
    const links = [...page.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(2);
    expect(links.filter((link) => !existsSync(new URL(`docs/${link}`, ROOT)))).toEqual([]);
  });

  it('gives every line that is there a file and a test', () => {
    const rows = page.split('\n').filter((line) => /\| (?:there|partly)(?:[;:,][^|]*)? \|$/.test(line));
    expect(rows.length).toBeGreaterThan(60);
    const bare = rows.filter((row) => !/`(?:src|views)\//.test(row) || !/`test\//.test(row));
    // What a document says is carried by the document.
    expect(bare.filter((row) => !row.includes('`docs/settings.md`'))).toEqual([]);
  });
});
