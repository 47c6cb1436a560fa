const YES: readonly unknown[] = ['yes', 'on', 'true', '1', true, 1];

/** Whether the `everywhere` of a logout says yes. Anything else, `no` and `false` among it, means this device alone. */
export function meansEverywhere(value: unknown): boolean {
  return YES.includes(typeof value === 'string' ? value.toLowerCase() : value);
}
