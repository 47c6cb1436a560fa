import { Argument, Option } from 'commander';
import { usernameKey } from '../accounts/username.ts';
import { explain } from '../gateway/explanation.ts';
import { type CliCommand, type CommandContext, CommandError, type ExitCode } from './command.ts';
import { findUser } from './find-user.ts';
import { toJson } from './json.ts';
import { withServices } from './with-services.ts';

interface ExplainOptions {
  readonly url: string;
  readonly user?: string;
  readonly method: string;
  readonly json?: boolean;
}

export const command: CliCommand<ExplainOptions> = {
  arguments: [new Argument('<url>', 'a whole address, like https://grafana.example.com/d/abc')],
  options: [
    new Option('--user <username>', 'of this user; without it, of a stranger'),
    new Option('--method <method>', 'of the request').default('GET'),
  ],
  run: explainGateway,
};

/** Says by which rule of GATEWAY_RULES a request would be let through or refused. The file is read anew. */
function explainGateway(
  context: CommandContext,
  { url, user, method, json }: ExplainOptions,
): Promise<ExitCode> {
  return withServices<ExitCode>(context, async (services) => {
    const { rules, isRelayed } = services.gateway;
    if (rules.file === undefined)
      throw new CommandError('The gateway is off: set GATEWAY_RULES in .env to a file of rules.');
    await rules.load();
    const account = user === undefined ? undefined : await findUser(services, user);
    const asked = { url, method: method.toUpperCase() };
    const asker = account && { ...account, usernameKey: usernameKey(account.username) };
    const explanation = explain({ rules: rules.current(), isRelayed }, asked, asker);
    if (explanation === undefined)
      throw new CommandError(
        `${url} with this method is no request: give a whole address, like https://grafana.example.com/d/abc.`,
      );
    const { answer, rule, why } = explanation;
    const who = account?.username ?? 'A stranger';
    const place = rule === undefined ? '' : `\nRule "${rule.name}", line ${rule.line} of ${rules.file}.`;
    await context.terminal.print(
      json
        ? toJson({
            url,
            method: asked.method,
            user: account?.username ?? null,
            answer,
            rule: rule?.name ?? null,
            line: rule?.line ?? null,
            why,
          })
        : `${who} is ${answer}. ${why}${place}`,
    );
    return 0;
  });
}
