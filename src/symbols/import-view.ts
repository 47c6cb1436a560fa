import { masterBrokerName } from './formats/all-formats.ts';
import { type ImportProgress, type ImportRecord, shareDone } from './import-record.ts';
import type { Master } from './symbol-store.ts';

const count = (number: number): string => number.toLocaleString('en-IN');

/** A master in use, for the page. */
export function toMasterView({ broker, firstId, lastId, importedAt }: Master) {
  return { broker, name: masterBrokerName(broker), instruments: count(lastId - firstId + 1), importedAt };
}

/** An import, for the pages. */
export function toImportView(record: ImportRecord) {
  const { id, broker, fileName, requestedBy, status, startedAt, finishedAt, badLines, problem } = record;
  return {
    id,
    brokerName: broker === undefined ? undefined : masterBrokerName(broker),
    fileName,
    requestedBy,
    status,
    startedAt,
    finishedAt,
    resultText: RESULTS[status](record),
    problem,
    badLines,
    badLinesText: badLines === 1 ? 'One line was left out' : `${count(badLines)} lines were left out`,
    badLineSamples: record.badLineSamples,
    ...toProgressView(record),
  };
}

/** How far an import is, for the page and for the script on it. */
export function toProgressView({ status, progress }: Pick<ImportRecord, 'status' | 'progress'>) {
  return {
    running: status === 'running',
    percent: Math.round(shareDone(progress) * 100),
    stageText: describe(progress),
  };
}

const RESULTS: Readonly<Record<ImportRecord['status'], (record: ImportRecord) => string>> = {
  running: () => 'Running',
  done: ({ instruments, instrumentsBefore }) =>
    instrumentsBefore === 0
      ? `${count(instruments)} instruments`
      : `${count(instruments)} instruments (${count(instrumentsBefore)} before)`,
  refused: () => 'Refused',
  failed: () => 'Failed',
};

function describe({ stage, done, total }: ImportProgress): string {
  if (stage === 'receiving') return 'Receiving the file';
  if (stage === 'checking') return 'Checking the file';
  return `Storing: ${count(done)} of ${count(total)} instruments`;
}
