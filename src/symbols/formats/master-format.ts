/** How one broker writes its instrument master. */
export interface MasterFormat {
  /** The broker's id, as everywhere. */
  readonly broker: string;
  /** For people. */
  readonly name: string;
  /** Where the file comes from, for people. */
  readonly source: string;
  /** All of these stand in the first line of such a file, and in no other broker's. Others may stand there too. */
  readonly columns: readonly string[];
  /** A line in words that are the same for every broker. `cell` gives a column's text without blanks around it. */
  read(cell: (column: string) => string): InstrumentDraft;
}

/** An instrument as a file has it, not checked yet. NaN is a number that could not be read. */
export interface InstrumentDraft {
  readonly exchange: string;
  readonly tradingSymbol: string;
  readonly name: string;
  readonly displayName: string;
  readonly isin: string;
  readonly instrumentToken: string;
  readonly exchangeToken: string;
  /** `2024-12-26`, or '' where there is none. */
  readonly expiry: string;
  /** Undefined where there is none. */
  readonly strike: number | undefined;
  readonly tickSize: number;
  readonly lotSize: number;
  readonly instrumentType: string;
  readonly segment: string;
}
