/**
 * A broker's answer to the logout of a token that a revocation had ended here. `asked`: no answer yet. `goes_on`: the
 * user has connected again, and the broker gave them the same token. `failed`: the last try has failed.
 */
export const BROKER_ANSWERS = ['signed_out', 'asked', 'takes_none', 'goes_on', 'failed'] as const;
export type BrokerAnswer = (typeof BROKER_ANSWERS)[number];

/** Of so many tokens. */
export interface BrokerAnswers {
  readonly broker: string;
  readonly answer: BrokerAnswer;
  readonly count: number;
}

/** By order. `userId`: only of this person's tokens. An order from more than a week ago has none any more. */
export type AnswersToOrders = (
  orderIds: readonly string[],
  userId?: string,
) => Promise<ReadonlyMap<string, readonly BrokerAnswers[]>>;
