import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../core/duration.ts';
import { fromIso, toIstIso } from '../../core/ist.ts';

/** Which requests a search asks for. */
export interface TrafficFilter {
  /** Milliseconds since the epoch; half-open. */
  readonly from?: number;
  readonly to?: number;
  readonly method?: string;
  /** Both included. */
  readonly status?: { readonly least: number; readonly most: number };
  /** A part of the path or of the route, in any case. */
  readonly text?: string;
  readonly userId?: string;
  /** As `ClientMark` has it. */
  readonly address?: string;
  readonly requestId?: string;
  readonly slowerThanMs?: number;
}

export type TrafficFilterReading =
  | { readonly kind: 'filter'; readonly filter: TrafficFilter }
  | { readonly kind: 'wrong'; readonly fields: Readonly<Record<string, string>> };

/** Fields of the page's form, and of its address: texts as they were typed, '' for nothing. */
export type TrafficQuestion = Readonly<Record<QuestionName, string>>;
type QuestionName = (typeof QUESTION_NAMES)[number];

export const QUESTION_NAMES = [
  'q',
  'status',
  'last',
  'method',
  'user',
  'address',
  'request',
  'slow',
  'from',
  'to',
] as const;

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Times that end now. */
export const LAST_SPANS = {
  '15m': 15 * MINUTE_MS,
  '1h': HOUR_MS,
  '24h': DAY_MS,
  '7d': 7 * DAY_MS,
} as const;

const LONGEST_TEXT = 200;
/** No path has them in it as they are, and Postgres takes no NUL. */
const UNPRINTABLE = /\p{Cc}/gu;
const LONGEST_DURATION_MS = DAY_MS;

export interface FilterReaderDeps {
  readonly lookUpAddress: (text: string) => string | undefined;
  /** Undefined where no user has this name. */
  readonly findUserId: (username: string) => Promise<string | undefined>;
}

/** The texts of a query; what it does not name, and what came twice, is ''. */
export function readQuestion(query: Readonly<Record<string, unknown>>): TrafficQuestion {
  const text = (name: QuestionName): string => {
    const value = query[name];
    return typeof value === 'string' ? value.replace(UNPRINTABLE, '').trim().slice(0, LONGEST_TEXT) : '';
  };
  return Object.fromEntries(QUESTION_NAMES.map((name) => [name, text(name)])) as TrafficQuestion;
}

/** Reads what was typed, or says field by field what is wrong with it. */
export async function readFilter(
  question: TrafficQuestion,
  now: number,
  { lookUpAddress, findUserId }: FilterReaderDeps,
): Promise<TrafficFilterReading> {
  const fields: Record<string, string> = {};
  function read<T>(
    name: QuestionName,
    parse: (text: string) => T | undefined,
    problem: string,
  ): T | undefined {
    if (question[name] === '') return undefined;
    const value = parse(question[name]);
    if (value === undefined) fields[name] = problem;
    return value;
  }

  const span = read('last', readSpan, 'Choose one of the times.');
  const values = {
    status: read('status', readStatus, 'Enter a status like 404, a class like 4xx, or a range like 400-599.'),
    method: read(
      'method',
      (text) => METHODS.find((known) => known === text.toUpperCase()),
      'Choose a method.',
    ),
    text: question.q === '' ? undefined : question.q,
    userId: question.user === '' ? undefined : ((await findUserId(question.user)) ?? question.user),
    address: read('address', lookUpAddress, 'Enter an IP address, or one as this page shows it.'),
    requestId: question.request === '' ? undefined : question.request.toLowerCase(),
    slowerThanMs: read('slow', readMs, 'Enter whole milliseconds, like 500.'),
    from: read('from', readInstant, WRONG_TIME) ?? (span === undefined ? undefined : now - span),
    to: read('to', readInstant, WRONG_TIME),
  };
  if (Object.keys(fields).length > 0) return { kind: 'wrong', fields };
  return { kind: 'filter', filter: withoutGaps(values) };
}

/** Value of an input of type datetime-local: the Indian time, to the second. */
export function toLocalInput(instant: number): string {
  return toIstIso(instant).slice(0, 19);
}

const WRONG_TIME = 'Enter a date and a time, like 2026-11-21T09:15.';
const LOCAL_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?$/;

/** As an input of type datetime-local sends it, in Indian time; or in milliseconds since the epoch, as links have it. */
function readInstant(text: string): number | undefined {
  if (/^\d{12,14}$/.test(text)) return Number(text);
  const instant = LOCAL_TIME.test(text) ? fromIso(`${text.replace(' ', 'T')}+05:30`) : Number.NaN;
  return Number.isNaN(instant) ? undefined : instant;
}

function readSpan(text: string): number | undefined {
  return Object.entries(LAST_SPANS).find(([name]) => name === text)?.[1];
}

function readStatus(text: string): TrafficFilter['status'] | undefined {
  const [, digit] = /^([1-5])xx$/i.exec(text) ?? [];
  if (digit !== undefined) return { least: Number(digit) * 100, most: Number(digit) * 100 + 99 };
  const [, least, most = least] = /^([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?$/.exec(text) ?? [];
  return least === undefined || Number(most) < Number(least)
    ? undefined
    : { least: Number(least), most: Number(most) };
}

function readMs(text: string): number | undefined {
  return /^\d{1,8}$/.test(text) && Number(text) <= LONGEST_DURATION_MS ? Number(text) : undefined;
}

function withoutGaps(
  filter: { readonly [Name in keyof TrafficFilter]: TrafficFilter[Name] | undefined },
): TrafficFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}
