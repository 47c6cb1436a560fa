import type { Office } from './house.ts';

/** Orders that are not done yet, whatever they wait for. */
export async function countOpenOrders({ ports }: Office): Promise<number> {
  const { open } = await ports.database.db
    .selectFrom('revocations')
    .select((select) => select.fn.countAll<number>().as('open'))
    .where('status', '=', 'open')
    .executeTakeFirstOrThrow();
  return Number(open);
}
