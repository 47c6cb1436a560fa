/**
 * What a broker said to the end of a token that an order of revocation had ended here. `asked`: nothing yet. `goes_on`: the
 * person has connected again, and the broker gave them the same token. `failed`: given up.
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
