import { type ProbeOrder, probe } from './probing.ts';
import { type SaturationOrder, saturate } from './saturation.ts';
import { type SignInOrder, signInAtOnce } from './sign-ins.ts';

export type Order = SaturationOrder | SignInOrder | ProbeOrder;

/** The load generator's process: takes an order, answers with the figures or with what went wrong. */
process.on('message', (order: Order) => {
  carryOut(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ problem: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());

function carryOut(order: Order): Promise<object> {
  switch (order.kind) {
    case 'saturation':
      return saturate(order);
    case 'sign-ins':
      return signInAtOnce(order);
    case 'probes':
      return probe(order);
  }
}
