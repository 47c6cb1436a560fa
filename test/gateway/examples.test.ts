import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { usernameKey } from '../../src/accounts/username.ts';
import { parseConfig } from '../../src/config.ts';
import { IDENTITY_HEADERS } from '../../src/gateway/identity.ts';
import { parseRules } from '../../src/gateway/rules-file.ts';
import { createScratchDirectory } from '../support/scratch-directory.ts';
import { TEST_SECRETS } from '../support/test-server.ts';
import { documentedBlocks, documentedFile, projectText, ROOT } from './proxies/documented-blocks.ts';
import { findProxy, nginxMain } from './proxies/real-proxies.ts';

const PAGE = 'docs/gateway.md';
const examples = (pattern: string): readonly string[] =>
  globSync(`examples/${pattern}`, { cwd: ROOT }).toSorted();

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
}

interface ComposeService {
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string } | null>>;
}

const networksOf = ({ networks }: ComposeService): readonly string[] =>
  Array.isArray(networks) ? (networks as readonly string[]) : Object.keys(networks);

const addressIn = (service: ComposeService | undefined, network: string): string | undefined =>
  Object.entries(service?.networks ?? {}).find(([name]) => name === network)?.[1]?.ipv4_address;

describe('Rules', () => {
  const context = {
    usernameKey,
    scheme: 'https',
    ownHost: 'curfew.example.com',
    ownPaths: new Set<string>(),
  } as const;

  it.each(examples('*/rules/gateway.yaml'))('of %s are read', (file) => {
    expect(parseRules(projectText(file), context)).toMatchObject({ kind: 'ok' });
  });

  it('of docs/gateway.md are read', () => {
    const documented = documentedBlocks(PAGE, 'yaml').filter((code) => code.startsWith('rules:'));
    expect(documented.length).toBeGreaterThanOrEqual(2);
    for (const code of documented) expect(parseRules(code, context)).toMatchObject({ kind: 'ok' });
  });
});

describe('Settings', () => {
  const inProduction = { NODE_ENV: 'production', ...TEST_SECRETS };

  it('of docs/gateway.md are taken', () => {
    const [settings = ''] = documentedBlocks(PAGE, 'sh').filter((code) => code.includes('GATEWAY_RULES'));
    const given = Object.fromEntries(
      settings
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string]),
    );
    expect(parseConfig({ ...inProduction, ...given })).toMatchObject({
      gatewayRules: 'gateway.yaml',
      cookieDomain: 'example.com',
      trustProxy: ['127.0.0.1'],
    });
  });

  it.each(examples('*/compose.yaml'))(
    'of %s are taken, and its networks keep tools from Curfew and the world from tools',
    (file) => {
      expect(projectText(file)).toContain('Never started where Curfew is developed');
      const { services } = parse(projectText(file)) as Compose;
      const { curfew, ...others } = services;
      const config = parseConfig({ ...inProduction, ...curfew?.environment, ...TEST_SECRETS });
      const [folder = '', inside = ''] =
        curfew?.volumes?.find((each) => each.startsWith('./rules'))?.split(':') ?? [];
      expect(config.gatewayRules?.startsWith(inside)).toBe(true);
      expect(examples('*/rules/gateway.yaml')).toContain(join(dirname(file), folder, 'gateway.yaml'));

      const asking = Object.entries(others).filter(([, service]) => networksOf(service).includes('ask'));
      expect(asking.map(([, { ports = [] }]) => ports.at(-1))).toEqual(['443:443']);
      const proxy = asking[0]?.[1];
      expect(config.trustProxy).toEqual([addressIn(proxy, 'ask')]);
      for (const service of Object.values(services))
        if (service !== proxy) expect(service.ports).toBeUndefined();
    },
  );
});

describe('The configuration of', () => {
  it.each(['http', 'tool', 'headers'])(
    'nginx is the same in docs/gateway.md and examples/nginx: %s.conf',
    (file) => {
      expect(projectText(`examples/nginx/${file}.conf`)).toBe(
        documentedFile(PAGE, 'nginx', `/etc/nginx/curfew/${file}.conf`),
      );
    },
  );

  it.each(examples('*/nginx.conf'))('nginx in %s is one that nginx accepts', (file) => {
    const directory = createScratchDirectory('nginx');
    mkdirSync(join(directory.path, 'curfew'));
    cpSync(join(ROOT, 'examples/nginx'), join(directory.path, 'curfew'), { recursive: true });
    const servers = projectText(file)
      .replaceAll(/^ssl_certificate.*;$/gm, '')
      .replaceAll('listen 443 ssl', 'listen 127.0.0.1:8443')
      // Names of containers.
      .replaceAll(/(?<=server |http:\/\/)\w+(?=:\d)/g, '127.0.0.1');
    writeFileSync(join(directory.path, 'servers.conf'), servers);
    writeFileSync(join(directory.path, 'nginx.conf'), nginxMain(directory.path));
    const args = ['-t', '-q', '-p', directory.path, '-c', join(directory.path, 'nginx.conf'), '-e', 'stderr'];
    expect(() => execFileSync(findProxy('nginx'), args, { stdio: 'pipe' })).not.toThrow();
    directory.remove();
  });

  it('Caddy in examples/grafana is that of docs/gateway.md, and Caddy accepts it', () => {
    const documented = documentedFile(PAGE, 'caddyfile', '/etc/caddy/Caddyfile').replaceAll(
      '127.0.0.1:5000',
      'curfew:5000',
    );
    const shared = documented.slice(0, documented.indexOf('notebook.example.com'));
    const file = 'examples/grafana/Caddyfile';
    expect(projectText(file).startsWith(shared)).toBe(true);
    const args = ['adapt', '--config', join(ROOT, file), '--adapter', 'caddyfile'];
    expect(() => execFileSync(findProxy('caddy'), args, { stdio: 'pipe' })).not.toThrow();
  });

  it('Traefik and Envoy names every header that a tool is told', () => {
    const told = IDENTITY_HEADERS.map((name) => name.toLowerCase());
    const [traefik, envoy] = ['forwardAuth:', 'ext_authz'].map((word) =>
      documentedBlocks(PAGE, 'yaml').find((code) => code.includes(word)),
    );
    const dynamic = parse(traefik ?? '') as {
      http: { middlewares: { curfew: { forwardAuth: { authResponseHeaders: string[] } } } };
    };
    const { authResponseHeaders } = dynamic.http.middlewares.curfew.forwardAuth;
    expect(authResponseHeaders.map((name) => name.toLowerCase())).toEqual(told);
    expect(() => parse(envoy ?? '')).not.toThrow();
    const [, upstream = ''] = /allowed_upstream_headers:(.*?)- name:/s.exec(envoy ?? '') ?? [];
    expect([...upstream.matchAll(/exact: ([\w-]+)/g)].map(([, name]) => name)).toEqual(told);
    const [, regex = ''] = /regex: '(.*)'/.exec(envoy ?? '') ?? [];
    for (const name of told)
      for (const sign of ['-', '_', '.', '~'])
        expect(name.replaceAll('-', sign)).toMatch(new RegExp(`^(?:${regex})$`));
  });
});
