import { istWallTime } from './ist.ts';

/** Minutes since the Indian midnight; half-open. */
interface Hours {
  readonly opensAt: number;
  readonly closesAt: number;
}

const minute = (hour: number, minutes = 0): number => hour * 60 + minutes;

const SHARES: Hours = { opensAt: minute(9, 15), closesAt: minute(15, 30) };
const CURRENCY: Hours = { opensAt: minute(9), closesAt: minute(17) };
/** Until 23:55 while America has winter time; silence of the last 25 minutes proves nothing then. */
const COMMODITIES: Hours = { opensAt: minute(9), closesAt: minute(23, 30) };

const HOURS: ReadonlyMap<string, Hours> = new Map([
  ['CDS', CURRENCY],
  ['BCD', CURRENCY],
  ['MCX', COMMODITIES],
  ['NCO', COMMODITIES],
]);

/** Whether an exchange trades at an instant, as far as the week and the clock say: holidays are not known here. */
export function isMarketOpen(exchange: string, now: number): boolean {
  const { day, minuteOfDay } = istWallTime(now);
  const { opensAt, closesAt } = HOURS.get(exchange) ?? SHARES;
  return day !== 'sat' && day !== 'sun' && minuteOfDay >= opensAt && minuteOfDay < closesAt;
}
