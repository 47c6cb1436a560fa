import type { Request } from 'express';
import { typedText } from '../http/form.ts';
import { addRow, type FormValues, pickSymbol, typedForm } from './strategy-form-view.ts';
import type { FindSymbolChoices, SymbolChoice } from './symbol-picker.ts';

/** The form after a button of its own, and where the reader goes on. */
export interface FormStep {
  readonly values: FormValues;
  readonly finder: { readonly text: string; readonly choices: readonly SymbolChoice[] | undefined };
  /** The id of an input. */
  readonly focus: string;
}

/**
 * Answers a button inside the strategy's form that does not save: one more row, a search for symbols, or one of those that
 * it found. Nothing is stored, and what was typed stays. Undefined where the form is to be saved. Enter in the field of the
 * search presses no button, and means the search.
 */
export async function takeFormStep(
  req: Request,
  findChoices: FindSymbolChoices,
): Promise<FormStep | undefined> {
  const { step, pick } = (req.body ?? {}) as Readonly<Record<string, unknown>>;
  const text = typedText(req, 'find', 100) ?? '';
  const values = typedForm(req);

  if (typeof pick === 'string') {
    const { row, values: picked } = pickSymbol(values, pick);
    return { values: picked, finder: { text: '', choices: undefined }, focus: `quantity-${row}` };
  }
  if (step === 'row') {
    const more = addRow(values);
    const focus = `symbol-${more.rows.length - 1}`;
    return { values: more, finder: { text, choices: undefined }, focus };
  }
  if (step === 'find' || (step === undefined && text.trim() !== ''))
    return { values, finder: { text, choices: await findChoices(text) }, focus: 'find' };
  return undefined;
}
