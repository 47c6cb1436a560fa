import { type FindTradedSymbol, type TradedSymbol, unfitLot } from '../core/symbol.ts';
import type { StrategyDetails } from './strategy-store.ts';

/** Whether any list of instruments was imported. */
export type HasInstruments = () => Promise<boolean>;

export interface SymbolCheckDeps {
  readonly findSymbol: FindTradedSymbol;
  readonly hasInstruments: HasInstruments;
}

export interface SymbolProblem {
  /** As `NSE:SBINN`. */
  readonly name: string;
  readonly field: 'symbol' | 'quantity';
  readonly message: string;
}

/**
 * Entries of a form that would make every signal be refused: a symbol that no list has, a name of several instruments, a quantity
 * that is not in lots. What stands in the stored strategy already is not asked about: a contract that has expired must not
 * keep its owner from changing the hours. Without any list nothing can be told.
 */
export type FindSymbolProblems = (
  wanted: StrategyDetails,
  stored?: StrategyDetails,
) => Promise<readonly SymbolProblem[]>;

export function createSymbolCheck({ findSymbol, hasInstruments }: SymbolCheckDeps): FindSymbolProblems {
  return async function findSymbolProblems({ broker, symbols }, stored) {
    if (!(await hasInstruments())) return [];
    const kept = stored?.broker === broker ? stored.symbols : [];
    const keptNames = kept.map(nameOf);
    const isKept = (symbol: WantedSymbol) =>
      kept.some((each) => nameOf(each) === nameOf(symbol) && each.quantity === symbol.quantity);
    const problems = await Promise.all(
      symbols
        .filter((symbol) => !isKept(symbol))
        .map(async (symbol) => {
          const { exchange, tradingSymbol } = symbol;
          const problem = problemOf(symbol, await findSymbol(broker, exchange, tradingSymbol));
          return problem?.field === 'symbol' && keptNames.includes(problem.name) ? undefined : problem;
        }),
    );
    return problems.filter((problem) => problem !== undefined);
  };
}

type WantedSymbol = StrategyDetails['symbols'][number];

function problemOf(wanted: WantedSymbol, found: TradedSymbol): SymbolProblem | undefined {
  const name = nameOf(wanted);
  const about = (field: SymbolProblem['field'], message: string) => ({ name, field, message });
  if (found.kind === 'unknown')
    return about(
      'symbol',
      `${name} is not in the instrument list, so every signal for it would be refused. Find it under Symbols, and spell it as it stands there.`,
    );
  if (found.kind === 'ambiguous')
    return about(
      'symbol',
      `${name} is the name of several instruments. Enter one of ${found.choices.join(', ')}.`,
    );
  const lot = unfitLot(wanted.quantity, found.lotSizes);
  if (lot === undefined) return undefined;
  return about('quantity', `${name} is traded in lots of ${lot}: enter a multiple of ${lot}.`);
}

function nameOf({ exchange, tradingSymbol }: WantedSymbol): string {
  return `${exchange}:${tradingSymbol}`;
}
