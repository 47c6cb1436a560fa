import type { Terminal } from './terminal.ts';

/** JSON for programs; what a terminal would take for a command is escaped. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}

/** Prints `{"name":[…]}`, a line for each element, as the elements come. */
export async function printJsonList<T>(
  { print }: Pick<Terminal, 'print'>,
  name: string,
  batches: AsyncIterable<readonly T[]>,
): Promise<void> {
  await print(`{${toJson(name)}:[`);
  let separator = '';
  for await (const batch of batches) {
    if (batch.length === 0) continue;
    await print(separator + batch.map(toJson).join(',\n'));
    separator = ',';
  }
  await print(']}');
}
