import type { Request } from 'express';
import { fromIso } from '../core/ist.ts';
import { readAllowedAddress } from '../http/allowed-address.ts';
import { hrefWith, type PagerLinks, type Query } from '../http/pager.ts';
import { queryText } from '../http/query-text.ts';
import { AUDIT_GROUPS, type AuditGroupId, typesOfGroup } from './audit-groups.ts';
import type { AuditPeopleStore } from './audit-people-store.ts';
import type {
  AuditCursor,
  AuditSearch,
  AuditSearchStore,
  FoundRows,
  SearchedWord,
} from './audit-search-store.ts';
import { auditTitle } from './audit-titles.ts';

/** The form's fields, as typed. */
export interface AuditQuery {
  readonly q: string;
  readonly kind: AuditGroupId | undefined;
  readonly by: string;
  readonly about: string;
  readonly address: string;
  readonly request: string;
  /** As a browser writes it, Indian time: `2026-11-21T09:15`. */
  readonly from: string;
  readonly to: string;
}

const LONGEST = 80;
const MOST_WORDS = 5;
const MOST_PEOPLE = 50;

export function readAuditQuery(req: Request): AuditQuery {
  return {
    q: queryText(req, 'q', LONGEST),
    kind: AUDIT_GROUPS.find(({ id }) => id === req.query['kind'])?.id,
    by: queryText(req, 'by', LONGEST),
    about: queryText(req, 'about', LONGEST),
    address: queryText(req, 'address', LONGEST),
    request: queryText(req, 'request', LONGEST),
    from: queryText(req, 'from', LONGEST),
    to: queryText(req, 'to', LONGEST),
  };
}

/** Where in the list a page stands: `before` or `after` a row. */
export function readAuditCursor(req: Request): AuditCursor {
  const before = rowNumber(queryText(req, 'before', LONGEST));
  return before === undefined ? { after: rowNumber(queryText(req, 'after', LONGEST)) } : { before };
}

/** A row's number; undefined for anything else. */
export function rowNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The links below a page of rows; `further` goes on with a search that stopped before it had a page. */
export function auditPages(
  path: string,
  query: Query,
  cursor: AuditCursor,
  { rows, more, lookedThrough }: FoundRows,
): PagerLinks & { readonly further: string | undefined } {
  const href = (to: AuditCursor) => hrefWith(path, { ...query, ...to });
  const [newest, oldest] = [rows.at(0)?.seq, rows.at(-1)?.seq];
  const isBack = cursor.after !== undefined;
  const hasNewer = isBack ? more : cursor.before !== undefined;
  return {
    first: isBack || cursor.before !== undefined ? href({}) : undefined,
    newer: hasNewer && newest !== undefined ? href({ after: newest }) : undefined,
    older: (isBack || more) && oldest !== undefined ? href({ before: oldest }) : undefined,
    further:
      lookedThrough === undefined
        ? undefined
        : href(isBack ? { after: lookedThrough } : { before: lookedThrough }),
  };
}

export interface AuditQueryDeps {
  readonly search: Pick<AuditSearchStore, 'types'>;
  readonly people: Pick<AuditPeopleStore, 'idOf' | 'idsWith'>;
}

/** Conditions for the rows; an unknown name finds nothing. */
export async function toAuditSearch(
  { search, people }: AuditQueryDeps,
  query: AuditQuery,
): Promise<AuditSearch> {
  const { q, kind, by, about, address, request } = query;
  const words = q.split(/\s+/).filter((word) => word !== '');
  const types = words.length === 0 && kind === undefined ? [] : await search.types();
  return {
    actor: orNothing(by),
    userId: about === '' ? undefined : ((await people.idOf(about)) ?? about),
    types: kind === undefined ? undefined : typesOfGroup(kind, types),
    // In the spelling that rows have.
    address: orNothing(readAllowedAddress(address) ?? address),
    requestId: orNothing(request),
    ...readAuditRange(query),
    words: await Promise.all(words.slice(0, MOST_WORDS).map((text) => toSearchedWord(people, text, types))),
  };
}

/** In ms since the epoch; what cannot be read as an instant is no limit. */
export function readAuditRange({ from, to }: AuditQuery): Pick<AuditSearch, 'since' | 'until'> {
  return { since: readInstant(from), until: readInstant(to) };
}

function readInstant(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(text)) return undefined;
  const instant = fromIso(`${text.length === 10 ? `${text}T00:00` : text}+05:30`);
  return Number.isNaN(instant) ? undefined : instant;
}

async function toSearchedWord(
  people: Pick<AuditPeopleStore, 'idsWith'>,
  text: string,
  types: readonly string[],
): Promise<SearchedWord> {
  const lower = text.toLowerCase();
  return {
    text,
    types: types.filter((type) => auditTitle(type).toLowerCase().includes(lower)),
    userIds: await people.idsWith(text, MOST_PEOPLE),
  };
}

const orNothing = (text: string): string | undefined => (text === '' ? undefined : text);
