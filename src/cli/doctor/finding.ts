/** The result of a check. `remedy` is there whenever something is to be done. */
export type Finding =
  | { readonly name: string; readonly status: 'ok'; readonly message: string }
  | {
      readonly name: string;
      readonly status: 'warn' | 'fail';
      readonly message: string;
      readonly remedy: string;
    };

/** Makes findings under one name. */
export function findingsOf(name: string) {
  return {
    ok: (message: string): Finding => ({ name, status: 'ok', message }),
    warn: (message: string, remedy: string): Finding => ({ name, status: 'warn', message, remedy }),
    fail: (message: string, remedy: string): Finding => ({ name, status: 'fail', message, remedy }),
  };
}
