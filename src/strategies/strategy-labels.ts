import type { Weekday } from '../core/ist.ts';
import type { Platform, Product, SignalAction } from '../core/signal.ts';
import type { TradingHours } from './trading-window.ts';
import { formatTimeOfDay } from './trading-window.ts';

export const PLATFORM_LABELS: Readonly<Record<Platform, string>> = {
  tradingview: 'TradingView',
  amibroker: 'AmiBroker',
  python: 'Python',
  other: 'Another program',
};

export const PRODUCT_LABELS: Readonly<Record<Product, string>> = {
  MIS: 'MIS (intraday)',
  NRML: 'NRML (carried forward)',
  CNC: 'CNC (delivery)',
};

export const ACTION_LABELS: Readonly<Record<SignalAction, string>> = {
  buy: 'Buy',
  sell: 'Sell',
  exit: 'Exit',
};

export const DAY_LABELS: Readonly<Record<Weekday, string>> = {
  mon: 'Mon',
  tue: 'Tue',
  wed: 'Wed',
  thu: 'Thu',
  fri: 'Fri',
  sat: 'Sat',
  sun: 'Sun',
};

/** `Mon to Fri, 09:15 to 15:30 IST`. */
export function describeHours({ days, opensAt, closesAt }: TradingHours): string {
  return `${describeDays(days)}, ${formatTimeOfDay(opensAt)} to ${formatTimeOfDay(closesAt)} IST`;
}

const MONDAY_FIRST: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function describeDays(days: readonly Weekday[]): string {
  const ordered = MONDAY_FIRST.filter((day) => days.includes(day));
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (first === undefined || last === undefined) return 'Never';
  const isRun = MONDAY_FIRST.indexOf(last) - MONDAY_FIRST.indexOf(first) === ordered.length - 1;
  if (isRun && ordered.length > 2) return `${DAY_LABELS[first]} to ${DAY_LABELS[last]}`;
  return ordered.map((day) => DAY_LABELS[day]).join(', ');
}
