import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBinary } from '../../support/find-binary.ts';
import { onFreePort } from '../../support/free-port.ts';
import { createScratchDirectory } from '../../support/scratch-directory.ts';
import { type ServerCommand, startServerProcess } from '../../support/server-process.ts';
import { documentedFile, localise, projectText } from './documented-blocks.ts';

/** One of the proxies of docs/gateway.md, as it is configured there. */
export interface RealProxy {
  readonly name: 'nginx' | 'Caddy' | 'HAProxy';
  readonly port: number;
  /** What it wrote about its requests and faults. */
  log(): string;
  stop(): Promise<void>;
}

/** Where the parts are that the documented addresses stand for. */
export interface Surroundings {
  readonly curfewPort: number;
  /** notebook.desk.test and grafana.desk.test. */
  readonly toolPorts: readonly [number, number];
}

const PAGE = 'docs/gateway.md';
/** Stands for a proxy in front of this one, which says whose requests it passes on. */
const CLIENT_HEADER = 'X-Test-Client';
const SBIN = ['/usr/sbin', '/usr/local/sbin'];

/** All of them, on ports of their own. Throws with what to install where one is missing. */
export function startRealProxies(surroundings: Surroundings): Promise<readonly RealProxy[]> {
  return Promise.all([startNginx(surroundings), startCaddy(surroundings), startHaproxy(surroundings)]);
}

/** Throws with the package to install. */
export const findProxy = (name: 'nginx' | 'caddy' | 'haproxy'): string =>
  findBinary(name, { debianPackage: name, directories: SBIN });

const addresses = ({ curfewPort, toolPorts }: Surroundings): readonly (readonly [RegExp, string])[] => [
  [/127\.0\.0\.1:5000/g, `127.0.0.1:${curfewPort}`],
  [/127\.0\.0\.1:8888/g, `127.0.0.1:${toolPorts[0]}`],
  [/127\.0\.0\.1:3000/g, `127.0.0.1:${toolPorts[1]}`],
];

export const startNginx = (surroundings: Surroundings): Promise<RealProxy> =>
  startProxy('nginx', 'nginx', (directory, port) => {
    mkdirSync(join(directory, 'curfew'));
    for (const file of ['http', 'tool', 'headers'])
      writeFileSync(
        join(directory, `curfew/${file}.conf`),
        documentedFile(PAGE, 'nginx', `/etc/nginx/curfew/${file}.conf`),
      );
    const servers = localise(documentedFile(PAGE, 'nginx', '/etc/nginx/conf.d/curfew.conf'), [
      ...addresses(surroundings),
      [/^ssl_certificate.*;$/gm, ''],
      [/listen 443 ssl/g, `listen 127.0.0.1:${port}`],
      [/\bexample\.com/g, 'desk.test'],
      [/(?<=set \$tool )\S+(?=;)/g, `$&:${port}`],
    ]);
    writeFileSync(join(directory, 'servers.conf'), servers);
    writeFileSync(join(directory, 'nginx.conf'), nginxMain(directory));
    return {
      args: ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', 'stderr'],
      ready: /start worker process \d+/,
      logFile: accessLogIn(directory),
    };
  });

const accessLogIn = (directory: string): string => join(directory, 'access.log');

/** Around the documented servers, which lie beside it as servers.conf. */
export function nginxMain(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${directory}/nginx.pid;`,
    'error_log stderr notice;',
    'events {}',
    'http {',
    `access_log ${accessLogIn(directory)};`,
    ...temporary.map((name) => `${name}_temp_path ${directory}/${name};`),
    'set_real_ip_from 127.0.0.1;',
    `real_ip_header ${CLIENT_HEADER};`,
    'include servers.conf;',
    '}',
  ].join('\n');
}

const startCaddy = (surroundings: Surroundings): Promise<RealProxy> =>
  startProxy('Caddy', 'caddy', (directory, port) => {
    const file = join(directory, 'Caddyfile');
    const sites = localise(documentedFile(PAGE, 'caddyfile', '/etc/caddy/Caddyfile'), [
      ...addresses(surroundings),
      [/^(\w+)\.example\.com/gm, `http://$1.desk.test:${port}`],
      [/uri \/authz\/forward/g, `$&\nheader_up X-Forwarded-For {header.${CLIENT_HEADER}}`],
    ]);
    writeFileSync(file, `{\n admin off\n auto_https off\n default_bind 127.0.0.1\n}\n${sites}`);
    return {
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      ready: /serving initial configuration/,
      env: { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    };
  });

export const startHaproxy = (surroundings: Surroundings): Promise<RealProxy> =>
  startProxy('HAProxy', 'haproxy', (directory, port) => {
    const script = join(directory, 'curfew.lua');
    writeFileSync(script, projectText('examples/haproxy/curfew.lua'));
    const configuration = localise(documentedFile(PAGE, 'haproxy', '/etc/haproxy/haproxy.cfg'), [
      ...addresses(surroundings),
      [/\/etc\/haproxy\/curfew\.lua/g, script],
      [/bind :443 ssl crt \/etc\/haproxy\/certs/g, `bind 127.0.0.1:${port}`],
      [/http-request set-header X-Forwarded-For %\[src\]/g, `http-request set-src hdr(${CLIENT_HEADER})\n$&`],
      [/X-Forwarded-Proto https/g, 'X-Forwarded-Proto http'],
      [/https:\/\//g, 'http://'],
      [/\b(\w+)\.example\.com/g, `$1.desk.test:${port}`],
    ]);
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, configuration);
    return { args: ['-W', '-db', '-f', file], ready: /Loading success/ };
  });

/** Writes its files into a directory, and says how it is started. */
type Configure = (
  directory: string,
  port: number,
) => Pick<ServerCommand, 'args' | 'ready' | 'env'> & { readonly logFile?: string };

function startProxy(
  name: RealProxy['name'],
  binary: Parameters<typeof findProxy>[0],
  configure: Configure,
): Promise<RealProxy> {
  const command = findProxy(binary);
  return onFreePort(async (port) => {
    const directory = createScratchDirectory(binary);
    const output: string[] = [];
    const { logFile, ...how } = configure(directory.path, port);
    const running = await startServerProcess({
      command,
      ...how,
      orphanSignal: 'SIGTERM',
      onOutput: (text) => void output.push(text),
    });
    return {
      name,
      port,
      log: () => output.join('') + (logFile === undefined ? '' : readFileSync(logFile, 'utf8')),
      async stop() {
        await running.end('SIGTERM');
        directory.remove();
      },
    };
  });
}
