/** Meaning of a field of a message, under any of its names. */
export type SignalField =
  | 'action'
  | 'symbol'
  | 'exchange'
  | 'quantity'
  | 'price'
  | 'id'
  | 'product'
  | 'pricetype';

export interface SignalFields {
  readonly values: Partial<Record<SignalField, unknown>>;
  /** How the sender has called each of them. */
  readonly names: Partial<Record<SignalField, string>>;
  /** By the sender's name for the field. */
  readonly problems: Readonly<Record<string, string>>;
}

const MEANINGS: ReadonlyMap<string, SignalField> = new Map([
  ['action', 'action'],
  ['side', 'action'],
  ['transactiontype', 'action'],
  ['symbol', 'symbol'],
  ['ticker', 'symbol'],
  ['tradingsymbol', 'symbol'],
  ['exchange', 'exchange'],
  ['quantity', 'quantity'],
  ['qty', 'quantity'],
  ['contracts', 'quantity'],
  ['size', 'quantity'],
  ['price', 'price'],
  ['id', 'id'],
  ['product', 'product'],
  ['producttype', 'product'],
  ['pricetype', 'pricetype'],
  ['ordertype', 'pricetype'],
]);

/** Words for how much, which way, at what price and what: a field with one of them must not be passed over. */
const TRADE_WORDS =
  /qty|quantit|contract|size|^lots?$|lots?(?:count|number)|(?:numberof|num|no)lots|amount|volume|^shares?$|^units?$|notional|percent|capital|leverage|side$|direction|transaction|price|trigger|stop|^sl$|^tp$|target|takeprofit|limit|trail|strike|expiry|expiration|optiontype|product|ordertype|variety|validity|timeinforce|segment|instrument|security|symbol|ticker|scrip|^stock$|^asset$|^pair$|^isin$/;

/** TradingView's placeholders of this name describe the bar or the position. Without a quantity beside them they could be meant as one. */
const BESIDE_A_QUANTITY = new Set(['volume', 'positionsize', 'marketpositionsize', 'prevmarketpositionsize']);

/** Fields of a message by what they are about. An unknown field is passed over, unless it could change the trade. */
export function readSignalFields(message: object): SignalFields {
  const values: Partial<Record<SignalField, unknown>> = {};
  const names: Partial<Record<SignalField, string>> = {};
  const problems: Record<string, string> = {};
  const hasQuantity = Object.entries(message).some(
    ([name, value]) => MEANINGS.get(plain(name)) === 'quantity' && !saysNothing(value),
  );

  for (const [name, value] of Object.entries(message)) {
    const field = MEANINGS.get(plain(name));
    if (field === undefined) {
      if (hasQuantity && BESIDE_A_QUANTITY.has(plain(name))) continue;
      for (const unknown of tradeFields(name, value)) problems[unknown] = NOT_TAKEN;
      continue;
    }
    const other = names[field];
    if (other !== undefined && textOf(values[field]) !== textOf(value))
      problems[shown(name)] = `Says something else than ${shown(other)}.`;
    values[field] ??= value;
    names[field] ??= name;
  }
  return { values, names, problems };
}

const NOT_TAKEN =
  'Not understood, and it could change what is traded. Send action, symbol, quantity and price; rename or leave out the rest.';

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const textOf = (value: unknown): string =>
  String(value ?? '')
    .trim()
    .toUpperCase();

/** A field, or those inside it, whose name is about the trade and whose value says something. */
function tradeFields(name: string, value: unknown): readonly string[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([inner, each]) =>
      !MEANINGS.has(plain(inner))
        ? tradeFields(inner, each).map((found) => `${shown(name)}.${found}`)
        : [`${shown(name)}.${shown(inner)}`],
    );
  return TRADE_WORDS.test(plain(name)) && !saysNothing(value) ? [shown(name)] : [];
}

const saysNothing = (value: unknown): boolean => /^(?:0+(?:\.0+)?|NA|NONE|NULL|FALSE|)$/.test(textOf(value));

/** Short, and without what could be mistaken for anything but a name. */
const shown = (name: string): string => name.replaceAll(/[^\w -]/g, '?').slice(0, 40);
