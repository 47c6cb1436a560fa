import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../core/clock.ts';
import { LONGEST_SYMBOL_SEARCH, type SymbolFinder } from '../core/symbol.ts';
import { invalid, notFound } from '../errors.ts';
import { auditOrigin } from '../http/audit-origin.ts';
import { type FormResult, readForm, refuseForm } from '../http/form.ts';
import { renderPage } from '../http/page.ts';
import { type Notices, noticeOf, queryText } from '../http/query-text.ts';
import { currentSession } from '../sessions/current-session.ts';
import { createReauthentication } from '../sessions/reauthentication.ts';
import { type FormStep, takeFormStep } from './form-step.ts';
import { MOST_STRATEGIES, type Strategies } from './strategies.ts';
import { MOST_SYMBOLS, strategyForm } from './strategy-form.ts';
import { emptyForm, type FormValues, filledForm, toFormView, typedForm } from './strategy-form-view.ts';
import type { StrategyDetails } from './strategy-store.ts';
import { toStrategyView } from './strategy-view.ts';
import { createSymbolCheck, type SymbolCheckDeps, type SymbolProblem } from './symbol-check.ts';
import { createSymbolPicker } from './symbol-picker.ts';
import { widensStrategy } from './widens-strategy.ts';

export interface StrategyPagesDeps extends SymbolCheckDeps {
  readonly searchSymbols: SymbolFinder['search'];
  readonly strategies: Strategies;
  readonly clock: Clock;
  /** Names by id, in the server's order. */
  readonly brokerNames: ReadonlyMap<string, string>;
  /** The broker that a person has chosen to be their first. */
  readonly defaultBroker: (userId: string) => Promise<string | undefined>;
}

export interface StrategyPages {
  readonly list: RequestHandler;
  readonly showNew: RequestHandler;
  readonly create: RequestHandler;
  readonly showEdit: RequestHandler;
  /** Symbols for the form's script, as JSON. */
  readonly showSymbols: RequestHandler;
  readonly save: RequestHandler;
}

type FieldProblems = Readonly<Record<string, string>>;

interface ShownForm extends Partial<Pick<FormStep, 'finder' | 'focus'>> {
  readonly values: FormValues;
  readonly fields?: FieldProblems;
  /** Undefined for a new strategy. */
  readonly id?: string | undefined;
}

/** Notices on top of the list, chosen by a fixed word in its address. */
const NOTICES: Notices = new Map([
  ['deleted', 'The strategy is deleted. Its webhook leads nowhere any more.'],
]);

/** The list of a person's strategies, and the form for a new or changed one. */
export function createStrategyPages(deps: StrategyPagesDeps): StrategyPages {
  const { strategies, brokerNames, defaultBroker } = deps;
  const reauthentication = createReauthentication(deps.clock);
  const form = strategyForm([...brokerNames.keys()]);
  const findSymbolProblems = createSymbolCheck(deps);
  const findChoices = createSymbolPicker(deps.searchSymbols);

  return {
    async list(req, res) {
      const own = await strategies.list(currentSession(req).userId);
      renderPage(req, res, 'strategies/index', {
        title: 'Strategies',
        strategies: own.map((strategy) => toStrategyView(strategy, brokerNames)),
        maximum: MOST_STRATEGIES,
        isFull: own.length >= MOST_STRATEGIES,
        hasBrokers: brokerNames.size > 0,
        notice: noticeOf(req, NOTICES),
      });
    },

    async showNew(req, res) {
      const broker = await defaultBroker(currentSession(req).userId);
      renderForm(req, res, { values: emptyForm(broker ?? [...brokerNames.keys()][0]) });
    },

    async create(req, res) {
      const step = await takeFormStep(req, findChoices);
      if (step !== undefined) return renderForm(req, res, step);
      const { userId, username } = currentSession(req);
      const read = await readStrategy(req);
      if (!read.ok) return refuse(req, res, read.fields);
      const created = await strategies.create(userId, read.values, auditOrigin(req, res, username));
      if (created.kind === 'created') return res.redirect(303, `/strategies/${created.id}?notice=created`);
      refuse(req, res, {
        form: `You have ${MOST_STRATEGIES} strategies, which is the most. Delete one that you do not need.`,
      });
    },

    async showEdit(req, res) {
      const strategy = await findOwn(req);
      renderForm(req, res, { values: filledForm(strategy), id: strategy.id });
    },

    async showSymbols(req, res) {
      res.json({ choices: await findChoices(queryText(req, 'q', LONGEST_SYMBOL_SEARCH)) });
    },

    async save(req, res) {
      const stored = await findOwn(req);
      const { id, userId } = stored;
      const step = await takeFormStep(req, findChoices);
      if (step !== undefined) return renderForm(req, res, { ...step, id });
      const read = await readStrategy(req, stored);
      if (!read.ok) return refuse(req, res, read.fields, id);
      if (widensStrategy(stored, read.values) && reauthentication.isDue(req))
        return reauthentication.ask(req, res, 'Save a strategy');
      await strategies.change(userId, id, read.values, auditOrigin(req, res, currentSession(req).username));
      res.redirect(303, `/strategies/${id}?notice=saved`);
    },
  };

  async function readStrategy(req: Request, stored?: StrategyDetails): Promise<FormResult<StrategyDetails>> {
    const read = readForm(form, req);
    if (!read.ok) return read;
    const problems = await findSymbolProblems(read.values, stored);
    return problems.length === 0 ? read : { ok: false, fields: besideRows(req, problems) };
  }

  function findOwn(req: Request) {
    return strategies.require(currentSession(req).userId, String(req.params['id']));
  }

  function refuse(req: Request, res: Response, fields: FieldProblems, id?: string): void {
    refuseForm(req, res, invalid(fields));
    renderForm(req, res, { values: typedForm(req), fields, id });
  }

  function renderForm(
    req: Request,
    res: Response,
    { values, fields = {}, id, finder = NOTHING_FOUND, focus }: ShownForm,
  ): void {
    if (brokerNames.size === 0) throw notFound();
    renderPage(req, res, 'strategies/form', {
      title: id === undefined ? 'New strategy' : 'Change the strategy',
      form: toFormView(values, brokerNames),
      action: id === undefined ? '/strategies' : `/strategies/${id}`,
      backTo: id === undefined ? '/strategies' : `/strategies/${id}`,
      isNew: id === undefined,
      mostSymbols: MOST_SYMBOLS,
      finder,
      focus,
      fields,
    });
  }
}

const NOTHING_FOUND: FormStep['finder'] = { text: '', choices: undefined };

/** Beside the rows that they were typed into. */
function besideRows(req: Request, problems: readonly SymbolProblem[]): FieldProblems {
  const rows = typedForm(req).rows.map(({ symbol }) => symbol.trim().toUpperCase());
  return Object.fromEntries(
    problems.map(({ name, field, message }) => [`${field}-${rows.indexOf(name)}`, message]),
  );
}
