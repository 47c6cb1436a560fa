import { describe, expect, it } from 'vitest';
import { normaliseHost } from '../../src/gateway/host.ts';
import { parseRules } from '../../src/gateway/rules-file.ts';

const parse = (text: string) =>
  parseRules(text, {
    usernameKey: (name) => name.toLowerCase(),
    scheme: 'https',
    ownHost: 'curfew.example.com',
    ownPaths: new Set(['', 'auth', 'assets', '.well-known']),
  });

const problemsOf = (text: string): readonly string[] => {
  const parsed = parse(text);
  return parsed.kind === 'ok' ? [] : parsed.problems.map(({ line, problem }) => `${line}: ${problem}`);
};

const GOOD = `# Tools of the desk.
rules:
  - name: Grafana's health
    host: Grafana.example.com:443
    path: /api/health
    methods: [GET, HEAD]
    who: public
  - name: Grafana
    host: grafana.example.com
    who:
      roles: [admin]
      people: [Asha]
    fresh: 30
  - name: Notebook
    host: notebook.example.com:8443
    who: signed-in
    activity: false
`;

describe('A file of rules', () => {
  it('is read into rules that know their lines', () => {
    const parsed = parse(GOOD);
    expect(parsed).toMatchObject({
      kind: 'ok',
      rules: [
        { name: "Grafana's health", line: 3, host: 'grafana.example.com', path: '/api/health' },
        { name: 'Grafana', line: 8, path: '/', freshMinutes: 30, activity: true, methods: undefined },
        { name: 'Notebook', line: 14, host: 'notebook.example.com:8443', activity: false },
      ],
    });
    if (parsed.kind !== 'ok') return;
    expect(parsed.rules[0]?.methods).toEqual(new Set(['GET', 'HEAD']));
    expect(parsed.rules[1]?.who).toEqual({
      kind: 'some',
      roles: new Set(['admin']),
      people: new Set(['asha']),
    });
  });

  it.each([
    ['http://127.0.0.1:8888', 'http://127.0.0.1:8888'],
    ['HTTP://Grafana.Internal:80/', 'http://grafana.internal'],
    ['https://[::1]:3000', 'https://[::1]:3000'],
  ])('takes the origin of a tool: %s', (text, upstream) => {
    const parsed = parse(`rules:\n  - { name: A, host: a.example, who: signed-in, upstream: "${text}" }`);
    expect(parsed).toMatchObject({ kind: 'ok', rules: [{ upstream }] });
  });

  it.each([
    '127.0.0.1:8888',
    'http://127.0.0.1:8888/path',
    'http://127.0.0.1:8888?x',
    'http://user@127.0.0.1:8888',
    'http://a b',
    'ftp://127.0.0.1',
    'http://127.0.0.1:99999',
    'unix:/run/tool',
    '',
  ])('takes no other address of a tool: %s', (text) => {
    const file = `rules:\n  - name: A\n    host: a.example\n    who: signed-in\n    upstream: "${text}"\n`;
    expect(problemsOf(file)).toEqual([expect.stringMatching(/^5: rules.upstream: .*is no origin of a tool/)]);
  });

  it('has a tool under this server’s own host only where nothing of its own is', () => {
    const under = (path: string, host = 'Curfew.example.com:443') =>
      problemsOf(
        `rules:\n  - { name: A, host: "${host}", path: ${path}, who: signed-in, upstream: "http://127.0.0.1:1" }`,
      );
    for (const path of ['/', '/auth', '/auth/x', '/AUTH', '/.well-known', '/assets/tool'])
      expect(under(path), path).toEqual([expect.stringMatching(/^2: upstream: .* belongs to Curfew itself/)]);
    for (const path of ['/grafana', '/authx', '/grafana/auth']) expect(under(path), path).toEqual([]);
    expect(under('/auth', 'other.example.com')).toEqual([]);
  });

  it('may be JSON', () => {
    const rules = [{ name: 'A', host: 'a.example', who: 'signed-in' }];
    expect(parse(JSON.stringify({ rules }))).toMatchObject({ kind: 'ok', rules: [{ name: 'A', line: 1 }] });
  });

  it.each<[string, string, RegExp]>([
    ['is no YAML', 'rules:\n  - name: "A\n', /^2: |^3: /],
    ['has a tab', 'rules:\n\t- name: A\n', /^2: .*tab/i],
    ['is empty', '', /^1: rules: is a list of rules/],
    ['is a list', '- name: A', /^1: the file: /],
    [
      'misspells a word',
      'rules:\n  - name: A\n    host: a.example\n    who: public\n    pfad: /x\n',
      /^2: .*pfad/,
    ],
    ['has no host', 'rules:\n  - name: A\n    who: public\n', /^2: rules.host: is missing/],
    [
      'has an address for a host',
      'rules:\n  - name: A\n    host: https://a.example\n    who: public\n',
      /^3: rules.host: .*is no host/,
    ],
    [
      'has a query',
      'rules:\n  - name: A\n    host: a.example\n    path: /a?b\n    who: public\n',
      /^4: rules.path: is a path/,
    ],
    [
      'has dots',
      'rules:\n  - name: A\n    host: a.example\n    path: /a/../b\n    who: public\n',
      /^4: rules.path: .*dot segment/,
    ],
    [
      'names an unknown role',
      'rules:\n  - name: A\n    host: a.example\n    who:\n      roles: [boss]\n',
      /^4|^5: rules.who/,
    ],
    [
      'names nobody',
      'rules:\n  - name: A\n    host: a.example\n    who:\n      roles: []\n',
      /^4|^5: rules.who/,
    ],
    [
      'has a method in small letters',
      'rules:\n  - name: A\n    host: a.example\n    methods: [get]\n    who: public\n',
      /^4: rules.methods: has GET/,
    ],
    [
      'asks strangers for a password',
      'rules:\n  - name: A\n    host: a.example\n    who: public\n    fresh: 5\n',
      /^2: fresh: a public rule/,
    ],
    [
      'asks for a password every half minute',
      'rules:\n  - name: A\n    host: a.example\n    who: signed-in\n    fresh: 0.5\n',
      /^5: rules.fresh: is a whole number of minutes/,
    ],
    [
      'has two rules of one name',
      `${GOOD}  - name: Grafana\n    host: b.example\n    who: public\n`,
      /^18: the name "Grafana" is that of line 8 too/,
    ],
    [
      'has a rule that nothing reaches',
      `${GOOD}  - name: Late\n    host: grafana.example.com\n    path: /d\n    who: public\n`,
      /^18: no request reaches this rule: "Grafana" in line 8/,
    ],
    [
      'has a key twice',
      'rules:\n  - name: A\n    name: B\n    host: a.example\n    who: public\n',
      /^3: .*unique/i,
    ],
  ])('is refused with the line where it %s', (_what, text, expected) => {
    const problems = problemsOf(text);
    expect(
      problems.some((problem) => expected.test(problem)),
      problems.join('\n'),
    ).toBe(true);
  });

  it('names every problem at once', () => {
    const text = 'rules:\n  - name: A\n    host: "a b"\n    who: me\n  - name: B\n    who: public\n';
    expect(problemsOf(text)).toHaveLength(3);
  });
});

describe('A host', () => {
  it.each([
    ['Tool.Example', 'tool.example'],
    ['tool.example.', 'tool.example'],
    ['tool.example:443', 'tool.example'],
    ['tool.example:0443', 'tool.example'],
    ['tool.example:8443', 'tool.example:8443'],
    ['[2001:db8::1]:8443', '[2001:db8::1]:8443'],
    ['tool.example, other.example', undefined],
    ['user@tool.example', undefined],
    ['tool.example/x', undefined],
    ['tool.example:', undefined],
    ['[::x]', undefined],
    ['', undefined],
  ])('%s is compared as %s', (text, expected) => {
    expect(normaliseHost(text, 'https')).toBe(expected);
  });
});
