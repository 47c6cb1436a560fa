import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** Decisions tell what was at their time. */
const PAGES = [
  'README.md',
  ...globSync('docs/*.md', { cwd: ROOT }).filter((page) => page !== 'docs/decisions.md'),
];

/** The adapter that docs/brokers.md writes as an example. */
const EXAMPLES = ['src/broker/adapters/paisa.ts'];

/** What a page says is there, that is not: paths in backticks, linked files, and headings in them. */
function missingFrom(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const paths = [...text.matchAll(/`((?:src|test|views|docs|public|bench)\/[\w./-]+\.\w+)`/g)].map(
    ([, path = '']) => path,
  );
  const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link = '']) => link);
  return [
    ...paths.filter((path) => !EXAMPLES.includes(path) && !existsSync(join(ROOT, path))),
    ...links.filter((link) => !leadsSomewhere(page, link)),
  ];
}

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', heading] = link.split('#');
  const target = file === '' ? page : join(dirname(page), file);
  if (!existsSync(join(ROOT, target))) return false;
  return heading === undefined || anchorsOf(target).has(heading);
}

const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set(
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s/g, '-'),
    ),
  );

describe.each(PAGES)('%s', (page) => {
  it('names files and links to headings that are there', () => {
    expect(missingFrom(page)).toEqual([]);
  });
});

it('docs/architecture.md names every folder of src in its tree, and files in its table that are there', () => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const [, tree = ''] = /```\nsrc\/\n(.*?)```/s.exec(text) ?? [];
  const named = [...tree.matchAll(/^ {2}([\w.-]+)\/ /gm)].map(([, folder = '']) => folder);
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  const inSrc = [...text.matchAll(/`([a-z-]+(?:\/[\w-]+)*\/[\w-]+\.ts)`/g)].map(([, path = '']) => path);
  const missing = inSrc.filter(
    (path) => !existsSync(join(ROOT, 'src', path)) && !existsSync(join(ROOT, path)),
  );
  expect(missing).toEqual([]);
});
