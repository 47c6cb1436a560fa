import type { FindSymbol } from './signal-intake.ts';
import type { StrategyDetails } from './strategy-store.ts';

/** Whether any list of instruments was imported. */
export type HasInstruments = () => Promise<boolean>;

export interface SymbolCheckDeps {
  readonly findSymbol: FindSymbol;
  readonly hasInstruments: HasInstruments;
}

/**
 * Which symbols of a form are in no list of instruments, as `NSE:SBINN`: signals for them would all be refused, so they
 * are asked about while somebody is still there to answer. Not of one that stands in the stored strategy already: a
 * contract that has expired must not keep its owner from changing the hours. Without any list nobody can tell.
 */
export type FindMisspelt = (wanted: StrategyDetails, stored?: StrategyDetails) => Promise<readonly string[]>;

export function createSymbolCheck({ findSymbol, hasInstruments }: SymbolCheckDeps): FindMisspelt {
  return async function findMisspelt({ broker, symbols }, stored) {
    if (!(await hasInstruments())) return [];
    const kept = stored?.broker === broker ? stored.symbols.map(nameOf) : [];
    const unknown = await Promise.all(
      symbols
        .filter((symbol) => !kept.includes(nameOf(symbol)))
        .map(async (symbol) => {
          const { exchange, tradingSymbol } = symbol;
          const found = await findSymbol(broker, exchange, tradingSymbol);
          return found === undefined ? nameOf(symbol) : undefined;
        }),
    );
    return unknown.filter((name) => name !== undefined);
  };
}

function nameOf({ exchange, tradingSymbol }: StrategyDetails['symbols'][number]): string {
  return `${exchange}:${tradingSymbol}`;
}
