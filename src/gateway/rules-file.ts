import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { ROLES } from '../core/role.ts';
import { normaliseHost } from './host.ts';
import type { GatewayRule, Who } from './rules.ts';

/** A problem in a rules file, in words, and its line: lines count from 1. */
export interface RulesProblem {
  readonly line: number;
  readonly problem: string;
}

export type ParsedRules =
  | { readonly kind: 'ok'; readonly rules: readonly GatewayRule[] }
  | { readonly kind: 'bad'; readonly problems: readonly RulesProblem[] };

export interface RulesContext {
  /** By which people are compared, however their names are written. */
  readonly usernameKey: (username: string) => string;
  /** BASE_URL's: tools are reached by the same. */
  readonly scheme: 'http' | 'https';
  /** BASE_URL's, as in `GatewayRule.host`. */
  readonly ownHost: string;
  /** The first segments of this server's own paths: no tool can be relayed there under its host. */
  readonly ownPaths: ReadonlySet<string>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const WHO = 'is public, signed-in, or a list of roles, of people or of both';

const whoSchema = z.union(
  [
    z.enum(['public', 'signed-in']).transform((kind): Who => ({ kind })),
    z
      .strictObject({
        roles: z.array(z.enum(ROLES)).optional(),
        people: z.array(z.string().min(1)).optional(),
      })
      .refine(({ roles = [], people = [] }) => roles.length + people.length > 0),
  ],
  { error: WHO },
);

const ruleSchema = ({ usernameKey, scheme }: RulesContext) =>
  z.strictObject({
    name: z.string('is missing: each rule has a name, for logs and pages').trim().min(1).max(64),
    host: z.string('is missing').transform((text, context) => {
      const host = normaliseHost(text, scheme);
      if (host !== undefined) return host;
      context.addIssue(
        `${JSON.stringify(text)} is no host, like grafana.example.com or notebook.example.com:8443`,
      );
      return z.NEVER;
    }),
    path: z
      .string()
      .regex(/^\/[\w~!$&'()*+,=:@/.-]*$/, 'is a path like /api, without a query and without %-encoding')
      .refine((path) => !/\/\/|\/\.{1,2}(?:\/|$)/.test(path), 'has an empty or a dot segment')
      .default('/'),
    methods: z
      .array(z.enum(METHODS, `has ${METHODS.join(', ')}`))
      .min(1)
      .optional(),
    who: whoSchema.transform(
      (who): Who =>
        'kind' in who
          ? who
          : {
              kind: 'some',
              roles: new Set(who.roles ?? []),
              people: new Set((who.people ?? []).map(usernameKey)),
            },
    ),
    fresh: z
      .int('is a whole number of minutes')
      .min(1, 'is at least 1 minute')
      .max(1440, 'is at most 1440 minutes')
      .optional(),
    activity: z.boolean('is true or false').default(true),
    upstream: z
      .string()
      .transform((text, context) => {
        const origin = readOrigin(text);
        if (origin !== undefined) return origin;
        context.addIssue(`${JSON.stringify(text)} is no origin of a tool, like http://127.0.0.1:8888`);
        return z.NEVER;
      })
      .optional(),
  });

/** Scheme, host and port, in the spelling of URLs; undefined for anything else. */
function readOrigin(text: string): string | undefined {
  const url = /^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) ? URL.parse(text) : null;
  return url?.origin;
}

/** Reads YAML, and so JSON too. Every problem at once, each with its line. */
export function parseRules(text: string, context: RulesContext): ParsedRules {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  if (document.errors.length > 0)
    return bad(
      document.errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), problem: firstLine(message) })),
    );

  const schema = z.strictObject({ rules: z.array(ruleSchema(context), 'is a list of rules') });
  /** Of the value at a path, or of the nearest one above it that is there. */
  function lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length > 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const range = (node as { range?: readonly number[] } | undefined)?.range;
      if (range !== undefined) return lineAt(range[0]);
    }
    return 1;
  }

  const { data, error } = schema.safeParse(document.toJS() ?? {});
  if (error !== undefined)
    return bad(
      error.issues.map(({ path, message }) => ({
        line: lineOf(path),
        problem: `${path.filter((part) => typeof part === 'string').join('.') || 'the file'}: ${message}`,
      })),
    );
  const rules = data.rules.map(
    ({ name, host, path, methods, who, fresh, activity, upstream }, index): GatewayRule => ({
      name,
      line: lineOf(['rules', index]),
      host,
      path,
      methods: methods && new Set(methods),
      who,
      freshMinutes: fresh,
      activity,
      upstream,
    }),
  );
  const problems = rules.flatMap((rule, index) => problemsOf(rule, rules.slice(0, index), context));
  return problems.length > 0 ? bad(problems) : { kind: 'ok', rules };
}

const bad = (problems: readonly RulesProblem[]): ParsedRules => ({
  kind: 'bad',
  problems: problems.toSorted((a, b) => a.line - b.line),
});

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

function problemsOf(
  rule: GatewayRule,
  earlier: readonly GatewayRule[],
  context: RulesContext,
): readonly RulesProblem[] {
  const { name, line, who, freshMinutes } = rule;
  const namesake = earlier.find((each) => each.name === name);
  const shadow = earlier.find((each) => hides(each, rule));
  return [
    ...(namesake === undefined
      ? []
      : [`the name ${JSON.stringify(name)} is that of line ${namesake.line} too`]),
    ...(shadow === undefined
      ? []
      : [`no request reaches this rule: ${JSON.stringify(shadow.name)} in line ${shadow.line} comes first`]),
    ...(who.kind === 'public' && freshMinutes !== undefined
      ? ['fresh: a public rule asks no one for a password']
      : []),
    ...(isRelayedOverOwn(rule, context)
      ? [
          `upstream: ${rule.path} under ${rule.host} belongs to Curfew itself. Choose another path, or a host of its own`,
        ]
      : []),
  ].map((problem) => ({ line, problem }));
}

function isRelayedOverOwn({ host, path, upstream }: GatewayRule, context: RulesContext): boolean {
  const [, segment = ''] = path.toLowerCase().split('/');
  return (
    upstream !== undefined && host === context.ownHost && (segment === '' || context.ownPaths.has(segment))
  );
}

/** Whether the first rule takes everything that the second is for. */
function hides(first: GatewayRule, second: GatewayRule): boolean {
  const above = first.path.replace(/\/$/, '');
  const isBelow = second.path === first.path || second.path.startsWith(`${above}/`);
  const hasMethods =
    first.methods === undefined ||
    (second.methods !== undefined && [...second.methods].every((method) => first.methods?.has(method)));
  return first.host === second.host && isBelow && hasMethods;
}
