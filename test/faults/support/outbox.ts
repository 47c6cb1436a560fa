import type { Office } from './house.ts';

/** Orders that are not done yet, whatever they wait for. */
export async function countOpenOrders({ infrastructure }: Office): Promise<number> {
  const { open } = await infrastructure.database.db
    .selectFrom('revocations')
    .select((select) => select.fn.countAll<number>().as('open'))
    .where('status', '=', 'open')
    .executeTakeFirstOrThrow();
  return Number(open);
}

/** All that was ever ordered for somebody. */
export async function countOrdersOf({ infrastructure }: Office, userId: string): Promise<number> {
  const { orders } = await infrastructure.database.db
    .selectFrom('revocations')
    .select((select) => select.fn.countAll<number>().as('orders'))
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow();
  return Number(orders);
}
