import { openSync, readSync } from 'node:fs';

/**
 * Loaded into a node before its own program (`--import`): its clock is off by as many milliseconds as the file says that
 * CLOCK_SHIFT_FILE names. To the process that is what its machine's clock says, and it may jump at any time.
 */
const file = openSync(process.env['CLOCK_SHIFT_FILE'] ?? '', 'r');
const text = Buffer.alloc(32);
const trueNow = Date.now.bind(Date);

function shiftedNow(): number {
  const length = readSync(file, text, 0, text.length, 0);
  return trueNow() + Number(text.toString('ascii', 0, length));
}

globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget),
  get: (target, property, receiver) =>
    property === 'now' ? shiftedNow : Reflect.get(target, property, receiver),
});
