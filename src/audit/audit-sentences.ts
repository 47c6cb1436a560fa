import { alertHeading, alertSentence } from '../core/alert.ts';
import type { AuditEvent } from '../core/audit-event.ts';
import { formatIst } from '../core/ist.ts';
import { RECEIPT_HEADINGS } from '../core/receipt-labels.ts';
import { ROLE_NAMES, ROLES, type Role } from '../core/role.ts';
import { SIGNAL_REFUSAL_WORDS } from '../core/signal-refusal.ts';

/** Names of the things that an event refers to by id. */
export interface AuditNames {
  readonly user: (userId: string | undefined | null) => string;
  readonly broker: (broker: string | undefined) => string;
}

type EventOf<Type extends AuditEvent['type']> = Extract<AuditEvent, { type: Type }>;
type Sentences = {
  readonly [Type in AuditEvent['type']]?: (event: EventOf<Type>, names: AuditNames) => string;
};

/**
 * An event as a sentence for a person. Rows of former versions lack facts that a type has today, and a newer version
 * may have written types that this one does not know: then the facts are listed.
 */
export function auditSentence(event: Readonly<Record<string, unknown>>, names: AuditNames): string {
  const type = String(event['type']);
  const known = Object.hasOwn(SENTENCES, type)
    ? (SENTENCES[type as AuditEvent['type']] as ((event: unknown, names: AuditNames) => string) | undefined)
    : undefined;
  try {
    return known?.(event, names) ?? listFacts(event, names);
  } catch {
    return listFacts(event, names);
  }
}

const SENTENCES: Sentences = {
  'account.created': ({ username, role }) =>
    `The account ${username} was made${role === 'user' ? '' : `, as ${roleName(role)}`}.`,
  'account.disabled': ({ userId }, { user }) => `${user(userId)} can no longer sign in.`,
  'account.enabled': ({ userId }, { user }) => `${user(userId)} can sign in again.`,
  'account.password_reset': ({ userId, by }, { user }) =>
    by === 'link' ? `${user(userId)} chose a new password by a link.` : `${user(userId)} has a new password.`,
  'reset.requested': ({ userId, by }, { user }) =>
    `A link to reset the password of ${user(userId)} was made: ${RESET_WORDS[by] ?? words(by)}.`,
  'reset.refused': ({ userId }, { user }) =>
    `A password reset ${userId === undefined ? 'for an unknown name' : `for ${user(userId)}`} was refused: wrong recovery code.`,
  'invitation.created': ({ role, email }) =>
    `${email === null ? 'A person' : email} was invited, as ${roleName(role)}.`,
  'invitation.revoked': () => 'An invitation was revoked.',
  'invitation.accepted': ({ userId }, { user }) => `${user(userId)} accepted an invitation.`,
  'account.email_changed': ({ userId }, { user }) => `${user(userId)} changed their email address.`,
  'totp.enrolled': ({ userId }, { user }) => `${user(userId)} set up an authenticator app.`,
  'totp.removed': ({ userId }, { user }) =>
    `${user(userId)} removed their authenticator app and recovery codes.`,
  'totp.reset': ({ userId }, { user }) =>
    `The authenticator app and recovery codes of ${user(userId)} were removed for them.`,
  'passkey.added': ({ userId, name }, { user }) => `${user(userId)} added the passkey ${name}.`,
  'passkey.removed': ({ userId, name }, { user }) => `${user(userId)} removed the passkey ${name}.`,
  'passkey.renamed': ({ userId, name, before }, { user }) =>
    `${user(userId)} renamed the passkey ${before} to ${name}.`,
  'passkey.cloned': ({ userId, name }, { user }) =>
    `The passkey ${name} of ${user(userId)} was refused: its counter went back, so there may be a copy of it.`,
  'passkeys.reset': ({ userId, passkeys }, { user }) =>
    `${passkeys === 1 ? 'The passkey' : `All ${passkeys} passkeys`} of ${user(userId)} and the recovery codes were removed for them.`,
  'recovery_codes.renewed': ({ userId }, { user }) =>
    `${user(userId)} made new recovery codes; the former ones are void.`,
  'recovery_codes.used': ({ userId, left }, { user }) =>
    `${user(userId)} used a recovery code; ${left} left.`,
  'password.changed': ({ userId, others }, { user }) =>
    `${user(userId)} changed their password, and ${others === 'end' ? 'ended' : 'kept'} their other sessions, API keys and broker connections.`,
  'account.role_changed': ({ userId, before, after }, { user }) =>
    `The role of ${user(userId)} is ${roleName(after)}; before: ${roleName(before)}.`,
  'identity.confirmed': ({ userId }, { user }) => `${user(userId)} entered their password again.`,
  'identity.not_confirmed': ({ userId, why }, { user }) =>
    `${user(userId)} was asked for their password again: ${LOGIN_WORDS[why] ?? why}.`,
  'secrets.accepted': ({ names }) =>
    `A new ${names.join(' and ')} was accepted; what the old value protected is lost.`,
  'backup.made': ({ file, sha256 }) => `The database was copied to ${file} (SHA-256 ${sha256}).`,
  'backup.restored': ({ file, oldHead, newHead, revokedKeys }) =>
    `The database was put back to ${file ?? 'a dump'}: event ${newHead.seq} is followed by this one${oldHead === undefined ? '' : `, and events up to ${oldHead.seq} (${oldHead.hash}) are in the database that was put aside`}.${revokedKeys === undefined || revokedKeys.length === 0 ? '' : ` ${count(revokedKeys.length, 'API key')} revoked.`}`,
  'login.succeeded': ({ userId, program, known, method }, { user }) =>
    `${user(userId)} signed in with ${program ?? 'an unknown browser'}, ${known ? 'as before' : 'for the first time'}${METHOD_WORDS[method ?? 'password'] ?? ''}.`,
  'login.failed': ({ username, why, program }) =>
    `Failed attempt to sign in as ${username}${program === undefined ? '' : ` with ${program}`}: ${LOGIN_WORDS[why] ?? why}.`,
  'login.failed_often': ({ why, attempts, first, last, usernames, addresses }) =>
    `${count(attempts, 'sign-in')} failed from ${formatIst(first)} to ${formatIst(last)}: ${LOGIN_WORDS[why] ?? why}. Names among them: ${list(usernames)}. Addresses among them: ${list(addresses)}.`,
  'session.ended': ({ userId, reason, sessions }, { user }) =>
    `${count(sessions, 'session')} of ${user(userId)} ended. ${RECEIPT_HEADINGS[reason] ?? reason}.`,
  'revocation.carried_out': ({ receipt }, { user }) => {
    const whose = receipt.scope === 'sweep' ? 'all people' : user(receipt.userId);
    const ended = receipt.lines.find((line) => line.step === 'sessions')?.count ?? 0;
    const state = receipt.status === 'done' ? '' : ' Not all of it is done yet.';
    return `Of ${whose}: ${count(ended, 'session')} ended. ${REASON_WORDS[receipt.reason] ?? receipt.reason}.${state}`;
  },
  'broker.authorization_started': ({ userId, broker }, n) =>
    `${n.user(userId)} went to ${n.broker(broker)} to connect.`,
  'broker.connected': ({ userId, broker }, n) => `${n.user(userId)} connected ${n.broker(broker)}.`,
  'broker.connection_failed': ({ userId, broker, why }, n) =>
    `${n.user(userId)} could not connect ${n.broker(broker)}: ${words(why)}.`,
  'broker.held': ({ userId, broker }, n) =>
    `${n.user(userId)} keeps ${n.broker(broker)} until the cutoff, also when no browser is signed in.`,
  'broker.not_held': ({ userId, broker }, n) =>
    `${n.user(userId)} lets ${n.broker(broker)} end with the last session.`,
  'broker.disconnected': ({ userId, broker }, n) => `${n.user(userId)} disconnected ${n.broker(broker)}.`,
  'broker.logged_out_at_broker': ({ userId, broker }, n) =>
    `${n.broker(broker)} ended the token of ${n.user(userId)} when asked.`,
  'broker.logout_at_broker_failed': ({ userId, broker, attempts, why }, n) =>
    `${n.broker(broker)} could not be told to end the token of ${n.user(userId)}, after ${count(attempts, 'try', 'tries')}: ${words(why)}.`,
  'broker.logout_tried_again': ({ userId, broker }, n) =>
    `${n.broker(broker)} is to be asked once more to end the token of ${n.user(userId)}.`,
  'broker.logout_dismissed': ({ userId, broker }, n) =>
    `${n.broker(broker)} is no longer to be told to end the token of ${n.user(userId)}.`,
  'broker.token_unreadable': ({ userId, broker }, n) =>
    `The token of ${n.user(userId)} at ${n.broker(broker)} could not be decrypted, and was ended.`,
  'broker.token_rejected': ({ userId, broker }, n) =>
    `${n.broker(broker)} did not take the token of ${n.user(userId)} any more.`,
  'broker.token_refreshed': ({ userId, broker }, n) =>
    `${n.broker(broker)} gave the next token of ${n.user(userId)}.`,
  'broker.refresh_refused': ({ userId, broker, why }, n) =>
    `${n.broker(broker)} refused ${n.user(userId)} the next token: ${words(why)}.`,
  'broker.credentials_saved': ({ userId, broker }, n) =>
    `${n.user(userId)} saved app keys for ${n.broker(broker)}.`,
  'broker.credentials_removed': ({ userId, broker }, n) =>
    `${n.user(userId)} removed the app keys for ${n.broker(broker)}.`,
  'broker.credentials_unreadable': ({ userId, broker }, n) =>
    `The app keys of ${n.user(userId)} for ${n.broker(broker)} could not be decrypted.`,
  'api_key.created': ({ userId, name, keyId, scopes }, { user }) =>
    `${user(userId)} made the API key ${name} (${keyId}), for ${list(scopes)}.`,
  'api_key.revoked': ({ userId, name, keyId }, { user }) =>
    `The API key ${name} (${keyId}) of ${user(userId)} ended.`,
  'api_key.addresses_changed': ({ userId, keyId, before, after }, { user }) =>
    `The API key ${keyId} of ${user(userId)} works from ${list(after, 'anywhere')}. Before: ${list(before, 'anywhere')}.`,
  'api_key.address_wait_lifted': ({ userId, keyId }, { user }) =>
    `The addresses of the API key ${keyId} of ${user(userId)} may be changed again.`,
  'api_key.refused': ({ keyId, why }) =>
    `A program came with an API key that is not valid${keyId === undefined ? '' : ` (${keyId})`}: ${words(why)}.`,
  'api_key.refused_from_address': ({ userId, keyId }, { user }) =>
    `The API key ${keyId} of ${user(userId)} was used from an address that is not on its list.`,
  'api_key.broker_token_read': ({ userId, keyId, broker }, n) =>
    `The API key ${keyId} of ${n.user(userId)} fetched the token for ${n.broker(broker)}, for the first time on this connection.`,
  'strategy.created': ({ userId, strategy }, { user }) =>
    `${user(userId)} made the strategy ${strategy.name}.`,
  'strategy.changed': ({ userId, strategy, what }, { user }) =>
    `${user(userId)} changed the strategy ${strategy.name}: ${words(what)}.`,
  'strategy.activated': ({ userId, strategy }, { user }) =>
    `${user(userId)} switched the strategy ${strategy.name} on.`,
  'strategy.deactivated': ({ userId, strategy }, { user }) =>
    `${user(userId)} switched the strategy ${strategy.name} off.`,
  'strategy.deleted': ({ userId, strategy }, { user }) =>
    `${user(userId)} deleted the strategy ${strategy.name}.`,
  'signal.refused': ({ strategy, why }) =>
    `A signal for the strategy ${strategy.name} was refused: ${SIGNAL_REFUSAL_WORDS[why] ?? words(why)}.`,
  'signal.tested': ({ userId, strategy, outcome }, { user }) =>
    `${user(userId)} sent a test signal to the strategy ${strategy.name}; it ${outcome === 'accepted' ? 'would have been accepted' : `would have been refused: ${SIGNAL_REFUSAL_WORDS[outcome] ?? words(outcome)}`}. No program got it.`,
  'settings.changed': ({ userId, what, before, after }, { user }) =>
    before === undefined
      ? `${user(userId)} changed ${list(what.map(words))}.`
      : `${user(userId)} changed ${what.map((name) => `${words(name)} from ${value(before[name])} to ${value(after[name])}`).join(', ')}.`,
  'telegram.bot_saved': ({ userId, bot }, { user }) =>
    `${user(userId)} entered a Telegram bot${bot === '' ? '' : `, @${bot}`}.`,
  'telegram.bot_removed': ({ userId }, { user }) => `${user(userId)} removed the Telegram bot.`,
  'telegram.bot_unreadable': ({ userId }, { user }) =>
    `The Telegram bot of ${user(userId)} could not be decrypted.`,
  'telegram.chat_saved': ({ userId }, { user }) =>
    `Messages for ${user(userId)} have found their Telegram chat.`,
  'telegram.events_chosen': ({ userId, events }, { user }) =>
    `${user(userId)} wants to hear of ${list(events.map(words), 'nothing')}.`,
  'symbols.imported': ({ broker, instruments, badLines }, n) =>
    `${count(instruments, 'instrument')} of ${n.broker(broker)} imported, ${count(badLines, 'line')} left out.`,
  'symbols.import_refused': ({ broker, why }, n) => `${fileOf(broker, n)} was refused: ${why}`,
  'symbols.import_failed': ({ broker, why }, n) => `${fileOf(broker, n)} could not be imported: ${why}`,
  'keys.rotated': ({ renewed, unreadable }) =>
    `${count(renewed, 'secret')} encrypted anew${unreadable === 0 ? '' : `, ${unreadable} could not be read`}.`,
  'ban.added': ({ subject, reason, offence, until, note }) =>
    `${subject} is banned ${until === 'permanent' ? 'permanently' : `until ${formatIst(until)}`}: ${BAN_WORDS[reason] ?? words(reason)}${offence > 0 ? `, offence number ${offence}` : ''}.${note === '' ? '' : ` ${note}`}`,
  'ban.lifted': ({ subject, forgotten }) =>
    `The ban of ${subject} was lifted${forgotten ? ', and its offences were forgotten' : ''}.`,
  'ban.expired': ({ subject }) => `The ban of ${subject} is over.`,
  'bans.imported': ({ added, known, refused }) =>
    `${count(added, 'ban')} imported, ${known} were there already, ${refused} were refused.`,
  'thresholds.changed': () =>
    'The thresholds for bans or alerts were changed. Before and after: in the details.',
  'allowlist.changed': ({ before, after }) =>
    after === undefined
      ? `${before?.block ?? 'An address'} is off the allowlist.`
      : `${after.block} is on the allowlist: ${after.note}`,
  'policy.changed': ({ before, after }) => `From now on ${after}. Before: ${before}.`,
  'policy.refused': ({ problems }) =>
    `Settings in .env could not be used, the old ones stay: ${list(problems)}.`,
  'gateway.rules_changed': ({ rules }) =>
    `${count(rules.length, 'rule')} of the gateway in force from now on: ${list(rules)}.`,
  'gateway.rules_refused': ({ problems }) =>
    `The rules of the gateway could not be used, the old ones stay: ${list(problems)}.`,
  'request.refused': ({ userId, why, route }, { user }) =>
    `${userId === undefined ? 'A stranger' : user(userId)} was turned away from ${route}: ${REFUSAL_WORDS[why] ?? words(why)}.`,
  'export.taken': ({ what, scope }) => `The ${EXPORT_WORDS[what] ?? what} was taken out: ${scope}.`,
  'audit.lost': ({ events, since }) =>
    `${count(events, 'event')} since ${formatIst(since)} could not be written here. The server’s log has them, whole.`,
  'audit.pruned': ({ fromSeq, seq, before }) =>
    `Rows ${fromSeq} to ${seq}, from before ${formatIst(before)}, were removed because of their age.`,
  'audit.verified': ({ fromSeq, seq }) => (fromSeq > seq ? 'Nothing new.' : verifiedRows(fromSeq, seq)),
  'audit.broken': ({ problem }) => problem,
  'alert.raised': ({ what, figure, threshold, node }) =>
    `${alertHeading(what)}, on ${node}. ${alertSentence({ what, figure, threshold })}`,
  'alert.ended': ({ what, figure, threshold, raisedAt }) =>
    `${alertHeading(what)}. It began ${formatIst(raisedAt)}. At the worst: ${alertSentence({ what, figure, threshold })}`,
};

/** Rows by their numbers, both included. */
export const verifiedRows = (from: number, to: number): string =>
  from === to ? `Row ${from} verified.` : `Rows ${from} to ${to} verified.`;

const RESET_WORDS: Readonly<Record<string, string>> = {
  email: 'sent by email',
  recovery_code: 'for a recovery code',
  administrator: 'by an administrator',
  operator: 'on the command line',
};

const roleName = (role: string): string =>
  (ROLES.find((each) => each === role) === undefined ? role : ROLE_NAMES[role as Role]).toLowerCase();

const LOGIN_WORDS: Readonly<Record<string, string>> = {
  credentials: 'the name or the password was wrong',
  code: 'the password was right and the code was wrong',
  passkey: 'the passkey was not accepted',
  disabled: 'the account is disabled',
  rate_limited: 'after too many tries',
};

const METHOD_WORDS: Readonly<Record<string, string>> = {
  totp: ', with a code of their app',
  recovery_code: ', with a recovery code',
  passkey: ', with a passkey',
};

const REASON_WORDS: Readonly<Record<string, string>> = {
  ...RECEIPT_HEADINGS,
  logged_out: 'Signed out',
  logged_out_everywhere: 'Signed out everywhere',
  ended_by_owner: 'A device ended by its owner',
};

const BAN_WORDS: Readonly<Record<string, string>> = {
  invalid_api_keys: 'too many invalid API keys',
  suspicious_paths: 'too many suspicious paths',
  manual: 'banned by hand',
  imported: 'imported',
};

const REFUSAL_WORDS: Readonly<Record<string, string>> = {
  csrf: 'the form was too old, or came from another site',
  forbidden: 'it is not for them',
  rate_limited: 'too many requests',
};

const EXPORT_WORDS: Readonly<Record<string, string>> = {
  audit: 'audit log',
  bans: 'list of bans',
  traffic: 'traffic log',
};

const words = (text: string): string =>
  text
    .replaceAll('_', ' ')
    .replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);

const value = (given: string | number | null | undefined): string =>
  given === null || given === undefined ? 'none' : String(given);

const list = (texts: readonly string[], none = 'nothing'): string =>
  texts.length === 0 ? none : texts.join(', ');

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-IN')} ${number === 1 ? one : many}`;
}

const fileOf = (broker: string | undefined, names: AuditNames): string =>
  broker === undefined ? 'A file' : `A file of ${names.broker(broker)}`;

/** `Key id k1, why unknown`; without what stands beside it anyway. */
function listFacts(event: Readonly<Record<string, unknown>>, names: AuditNames): string {
  const facts = Object.entries(event)
    .filter(([name, fact]) => name !== 'type' && fact !== null && fact !== undefined)
    .map(([name, fact]) =>
      name === 'userId' && typeof fact === 'string'
        ? `of ${names.user(fact)}`
        : `${words(name)} ${typeof fact === 'object' ? JSON.stringify(fact) : String(fact)}`,
    );
  return facts.join(', ').slice(0, LONGEST_LIST);
}

const LONGEST_LIST = 300;
