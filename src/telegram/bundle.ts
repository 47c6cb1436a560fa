import type { OpenMessage } from './message-store.ts';

/** Several messages as one. */
export interface Bundle {
  /** In Telegram's HTML. */
  readonly html: string;
  /** Of the messages that it is made of. */
  readonly ids: readonly number[];
  /** Of those that say the same as one of them. */
  readonly merged: readonly number[];
}

/** Telegram takes 4096 characters, and does not count what is markup. */
const LONGEST = 4000;

interface Group {
  readonly body: string;
  readonly ids: number[];
}

/** As many as one message holds, from the first on. What says the same is said once, with how often. Undefined for none. */
export function bundle(messages: readonly OpenMessage[]): Bundle | undefined {
  const taken: Group[] = [];
  let length = 0;
  for (const group of groupBySaying(messages)) {
    length += textOf(group).length + SEPARATOR.length;
    if (taken.length > 0 && length > LONGEST) break;
    taken.push(group);
  }
  if (taken.length === 0) return undefined;
  return {
    html: taken.map(textOf).join(SEPARATOR),
    ids: taken.flatMap(({ ids }) => ids.slice(0, 1)),
    merged: taken.flatMap(({ ids }) => ids.slice(1)),
  };
}

const SEPARATOR = '\n\n';

function groupBySaying(messages: readonly OpenMessage[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const { id, body } of messages) {
    const group = groups.get(body);
    if (group === undefined) groups.set(body, { body, ids: [id] });
    else group.ids.push(id);
  }
  return groups.values();
}

function textOf({ body, ids }: Group): string {
  return ids.length === 1 ? body : `${body}\n${ids.length} times.`;
}
