import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

export type InTransaction = Transaction<Schema>;

/** A change that is stored together with something else, or not at all. False where it changed nothing: then neither is. */
export type ChangeInTransaction = (trx: InTransaction) => Promise<boolean>;
