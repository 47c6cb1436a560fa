import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  readFileSync,
  rmSync,
  type StatsListener,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import { parseEnv } from 'node:util';
import { type Environment, SETTING_NAMES } from '../config.ts';

/** The settings of a .env file; empty when there is none. Throws EnvFileError for what is no text. */
export function readEnvFile(file: string): Environment {
  return existsSync(file) ? parseEnv(decodeText(readFileSync(file))) : {};
}

export class EnvFileError extends Error {
  override readonly name = 'EnvFileError';
}

/** UTF-8, or UTF-16 as Windows PowerShell writes it, by the mark at the beginning. */
function decodeText(bytes: Buffer): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below, in words.
  }
  throw new EnvFileError('.env is not text in UTF-8: save it again as UTF-8');
}

/** Names in a .env that are no setting, and so are probably misspelt. */
export function unknownNames(envFile: Environment): readonly string[] {
  return Object.keys(envFile).filter((name) => !SETTING_NAMES.includes(name) && !FOR_OTHERS.includes(name));
}

/** Further names that a .env may hold, for Node and for compose.yaml. */
const FOR_OTHERS: readonly string[] = ['TZ', 'NODE_OPTIONS', 'POSTGRES_PASSWORD'];

/** The environment wins over the file; an empty variable counts as not set. */
export function mergeEnvironment(environment: Environment, file: Environment): Environment {
  const set = Object.entries(environment).filter(
    ([name, value]) => value !== undefined && (value !== '' || file[name] === undefined),
  );
  return { ...file, ...Object.fromEntries(set) };
}

/**
 * Writes a first .env: the example, with fresh secrets in place of the empty ones. Mode 0600. Two starts at the same
 * moment write one file, and neither reads half of it; returns false when there was one already.
 */
export function writeFirstEnvFile(file: string, exampleFile: string): boolean {
  if (existsSync(file)) return false;
  const draft = `${file}.new-${randomBytes(8).toString('hex')}`;
  const text = withFreshSecrets(readFileSync(exampleFile, 'utf8'));
  try {
    createFile(draft, text);
    linkOrCreate(draft, file, text);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** A link gives the finished file its name, and fails where the name is taken. */
function linkOrCreate(draft: string, file: string, text: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (isTaken(error)) throw error;
    // exFAT and some mounts have no links. Another start at the very same moment could read half of it there.
    createFile(file, text);
  }
}

function createFile(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST';

function withFreshSecrets(example: string): string {
  const secrets: Readonly<Record<string, string>> = {
    SESSION_SECRET: randomBytes(48).toString('base64url'),
    ENCRYPTION_KEY: `${randomBytes(32).toString('base64url')}=`,
    PEPPER: randomBytes(48).toString('base64url'),
  };
  return example.replace(
    /^(SESSION_SECRET|ENCRYPTION_KEY|PEPPER)=.*$/gm,
    (_line, name: string) => `${name}=${secrets[name]}`,
  );
}

export interface TextFileWatch {
  stop(): void;
}

const LOOK_EVERY_MS = 500;

/** Two looks that see the same: an editor that writes it in pieces has come to the end. */
const SETTLED_AFTER_MS = 2 * LOOK_EVERY_MS;

/**
 * Calls `onChange` when the file has changed and a second has passed without another change. It looks at the file's status
 * instead of listening to the kernel: editors replace files, and mounts into containers deliver no events. A file that is
 * empty or gone is an editor at work.
 */
export function watchTextFile(file: string, onChange: () => void): TextFileWatch {
  let settling: NodeJS.Timeout | undefined;
  const listener: StatsListener = (now, before) => {
    const changed = now.ctimeMs !== before.ctimeMs || now.ino !== before.ino || now.size !== before.size;
    if (!changed) return;
    clearTimeout(settling);
    if (now.size > 0) settling = setTimeout(onChange, SETTLED_AFTER_MS).unref();
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, listener);
  return {
    stop() {
      unwatchFile(file, listener);
      clearTimeout(settling);
    },
  };
}
