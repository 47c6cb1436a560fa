import { createInterface } from 'node:readline';

/** Where a command reads and writes. What was asked for goes to standard output, everything said about it to the error stream. */
export interface Terminal {
  /** Writes lines of the result; resolves when they are out. Rejects with `ReaderGoneError` when the reader is gone. */
  print(text: string): Promise<void>;
  /** A line beside the result: an error, a warning, a remark. */
  say(text: string): void;
  /** Redraws one line that tells how far a long command is; nothing where it is no terminal. */
  showProgress(text: string): void;
  /** Whether standard input is a terminal. */
  readonly inputIsTyped: boolean;
  /** Whether a person sits there who can read a question and answer it. */
  readonly interactive: boolean;
  /** One line of theirs; '' when they leave instead. */
  ask(question: string): Promise<string>;
  /** All of standard input. Throws when it is longer than any password may be. */
  readInput(): Promise<string>;
}

/** `curfew sessions list | head`: the reader has seen enough. */
export class ReaderGoneError extends Error {
  constructor(cause: Error) {
    super('Output closed.', { cause });
    this.name = 'ReaderGoneError';
  }
}

export interface StandardStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const LONGEST_INPUT = 64 * 1024;
const CLEAR_LINE = '\r\u001b[K';

export function createTerminal({ stdin, stdout, stderr }: StandardStreams): Terminal {
  let progressShown = false;
  // The callbacks of the writes report errors; without a listener they would end the process as well.
  stdout.on('error', () => undefined);
  stderr.on('error', () => undefined);

  function clearProgress(): void {
    if (progressShown) stderr.write(CLEAR_LINE);
    progressShown = false;
  }

  return {
    print(text) {
      clearProgress();
      return new Promise((resolve, reject) => {
        stdout.write(`${text}\n`, (error) => (error ? reject(asReaderGone(error)) : resolve()));
      });
    },
    say(text) {
      clearProgress();
      stderr.write(`${text}\n`);
    },
    showProgress(text) {
      if (!stderr.isTTY) return;
      stderr.write(CLEAR_LINE + text);
      progressShown = true;
    },
    inputIsTyped: stdin.isTTY === true,
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    ask: (question) =>
      new Promise((resolve) => {
        stderr.write(question);
        // The terminal's own line editing does: in raw mode, a Ctrl-D that was typed ahead would be lost.
        const lines = createInterface({ input: stdin, terminal: false });
        lines.once('close', () => resolve(''));
        lines.once('line', (answer) => {
          resolve(answer);
          lines.close();
        });
      }),
    async readInput() {
      let text = '';
      for await (const chunk of stdin.setEncoding('utf8')) {
        text += chunk;
        if (text.length > LONGEST_INPUT) throw new Error('What comes in on standard input is too long.');
      }
      return text;
    },
  };
}

/** A full disk is still a failure. */
function asReaderGone(error: Error): Error {
  return 'code' in error && error.code === 'EPIPE' ? new ReaderGoneError(error) : error;
}
