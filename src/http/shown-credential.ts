import type { Request } from 'express';

/** Something that this server gave out, as a request shows it. */
export interface ShownCredential {
  /** A digest that names it in memory. */
  readonly id: string;
  /** Whether its form proves nothing, so that made-up ones cannot be told without asking a store. */
  readonly isGuessable: boolean;
  /** Whether it is good at this moment: asks a store. Rejects with `unavailable` where that cannot be told. */
  isGood(): Promise<boolean>;
}

/** Finds a request's credential of one kind. Costs a signature at most; undefined for one that this server never gave out. */
export type FindCredential = (req: Request) => ShownCredential | undefined;
