import { DHAN } from './dhan.ts';
import type { MasterFormat } from './master-format.ts';
import { UPSTOX } from './upstox.ts';
import { ZERODHA } from './zerodha.ts';

/** Every broker whose master can be imported. The first one that has a master is asked where no broker is named. */
export const MASTER_FORMATS: readonly MasterFormat[] = [ZERODHA, UPSTOX, DHAN];

export const MASTER_BROKERS: readonly string[] = MASTER_FORMATS.map((format) => format.broker);

/** A broker's name for people; its id where it has none. */
export function masterBrokerName(broker: string): string {
  return MASTER_FORMATS.find((format) => format.broker === broker)?.name ?? broker;
}
