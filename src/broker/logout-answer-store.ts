import type { AnswersToOrders, BrokerAnswer, BrokerAnswers } from '../core/broker-answer.ts';
import type { Database } from '../storage/database.ts';
import type { BrokerLogoutsTable } from '../storage/schema.ts';

export type LogoutAnswers = AnswersToOrders;

/** Brokers' answers, from the queue of logouts: for receipts, which are written before a broker is asked. */
export function createLogoutAnswers({ db }: Database): LogoutAnswers {
  return async function logoutAnswers(orderIds, userId) {
    const byOrder = new Map<string, BrokerAnswers[]>();
    if (orderIds.length === 0) return byOrder;
    let asked = db
      .selectFrom('broker_logouts')
      .select((eb) => ['order_id', 'broker', 'status', 'last_error', eb.fn.countAll<number>().as('count')])
      .where('order_id', 'in', [...orderIds])
      .groupBy(['order_id', 'broker', 'status', 'last_error'])
      .orderBy('broker');
    if (userId !== undefined) asked = asked.where('user_id', '=', userId);
    for (const { order_id, broker, count, ...row } of await asked.execute()) {
      const answers = byOrder.get(order_id ?? '') ?? [];
      byOrder.set(order_id ?? '', add(answers, { broker, answer: answerOf(row), count: Number(count) }));
    }
    return byOrder;
  };
}

function answerOf({ status, last_error }: Pick<BrokerLogoutsTable, 'status' | 'last_error'>): BrokerAnswer {
  if (status === 'open') return 'asked';
  if (status === 'dead') return 'failed';
  if (last_error === 'no_logout_at_broker') return 'takes_none';
  return last_error === 'in_use_again' ? 'goes_on' : 'signed_out';
}

/** Two tries of one kind failed in two ways: to the reader they are one line. */
function add(answers: BrokerAnswers[], more: BrokerAnswers): BrokerAnswers[] {
  const same = answers.findIndex((each) => each.broker === more.broker && each.answer === more.answer);
  if (same === -1) return [...answers, more];
  return answers.map((each, index) => (index === same ? { ...each, count: each.count + more.count } : each));
}
