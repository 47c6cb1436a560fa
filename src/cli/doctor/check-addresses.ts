import { addressWarnings } from '../../boot/start-warnings.ts';
import type { Config } from '../../config.ts';
import { type Finding, findingsOf } from './finding.ts';

/** The address that browsers open and the one that the server listens on must fit together. */
export function checkAddresses(config: Config): readonly Finding[] {
  const { ok, warn } = findingsOf('addresses');
  const { host, port, baseUrl } = config;
  const warnings = addressWarnings(config).map(({ what, remedy }) => warn(what, remedy));
  return warnings.length > 0 ? warnings : [ok(`${baseUrl}, listening on ${host} port ${port}`)];
}
