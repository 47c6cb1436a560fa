import { formatIst, toIstIso } from '../core/ist.ts';
import type { CliCommand, CommandContext, ExitCode } from './command.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface StatusOptions {
  readonly json?: boolean;
}

export const command: CliCommand<StatusOptions> = { run: status };

const ANSWER_WITHIN_MS = 3000;

/** Whether the server at HOST and PORT answers, and what the database says of sessions and revocations. */
function status({ terminal, ...context }: CommandContext, { json }: StatusOptions): Promise<ExitCode> {
  return withServices<ExitCode>({ terminal, ...context }, async (services) => {
    const { config, registry, brokers, revocation, calendar } = services;
    const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
    const origin = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
    const [server, connections, waiting, sessions] = await Promise.all([
      askServer(origin),
      brokers.countConnections(),
      revocation.revocations.countWaiting(),
      registry.countLive(),
    ]);
    const next = calendar.next();
    const report = {
      up: server.up,
      ready: server.ready,
      since: server.since === undefined ? null : toIstIso(server.since),
      nextCutoff: Number.isFinite(next) ? toIstIso(next) : null,
      sessions: sessions.sessions,
      brokerConnections: [...connections.values()].reduce((total, count) => total + count, 0),
      pendingRevocations: waiting,
    };
    const since = server.since === undefined ? '' : ` since ${formatIst(server.since)}`;
    const state = !server.up
      ? 'down: nothing answers'
      : server.ready
        ? `up${since}`
        : `up${since}, not ready (npx curfew doctor)`;
    const lines = [
      `server               ${state} at ${origin}`,
      `next cutoff          ${Number.isFinite(next) ? formatIst(next) : 'off'}`,
      `sessions             ${report.sessions}`,
      `broker connections   ${report.brokerConnections}`,
      `pending revocations  ${report.pendingRevocations}`,
    ];
    await terminal.print(json ? toJson(report) : lines.join('\n'));
    return server.up && server.ready ? 0 : 1;
  });
}

interface ServerAnswer {
  readonly up: boolean;
  readonly ready: boolean;
  /** Undefined where METRICS_ALLOW does not show it. */
  readonly since?: number | undefined;
}

async function askServer(origin: string): Promise<ServerAnswer> {
  const ask = (path: string) => fetch(origin + path, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  try {
    const ready = (await ask('/readyz')).ok;
    const figures = await (await ask('/metrics')).text();
    const [, seconds] = /^process_start_time_seconds (\d+)/m.exec(figures) ?? [];
    return { up: true, ready, since: seconds === undefined ? undefined : Number(seconds) * 1000 };
  } catch {
    return { up: false, ready: false };
  }
}
