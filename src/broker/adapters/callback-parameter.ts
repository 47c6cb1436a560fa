const LONGEST = 4096;

/** A parameter of the callback that is there once and not too long. One that occurs twice counts as missing. */
export function callbackParameter(parameters: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = parameters.getAll(name);
  return value !== undefined && value !== '' && value.length <= LONGEST && more.length === 0
    ? value
    : undefined;
}
