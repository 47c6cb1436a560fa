/** What the benchmark uses of autocannon, which comes without types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration?: number;
    /** Requests, in place of the seconds. */
    readonly amount?: number;
    /** Milliseconds between two looks at whether the time is over. */
    readonly sampleInt: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly verifyBody: (body: string) => boolean;
  }

  interface Result {
    readonly errors: number;
    readonly mismatches: number;
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
  }

  export default function autocannon(
    options: Options,
    callback: (error: Error | null, result: Result) => void,
  ): EventEmitter;
}
