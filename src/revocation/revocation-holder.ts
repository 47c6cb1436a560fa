import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** The process that is at work on revocations, and what it can tell of others by their names. */
export interface RevocationHolder {
  /** `<host> <process id> <run>`: no two runs share one. */
  readonly name: string;
  /**
   * Whether another holder is provably gone: its process was on this machine and has ended. One on another machine, or
   * whose number another program has got meanwhile, may be there.
   */
  isGone(name: string): boolean;
}

export function createRevocationHolder(): RevocationHolder {
  const host = hostname();
  const name = `${host} ${process.pid} ${randomUUID()}`;

  return {
    name,
    isGone(other) {
      const [itsHost, pid = ''] = other.split(' ');
      if (other === name || itsHost !== host || !/^[1-9]\d*$/.test(pid)) return false;
      return Number(pid) === process.pid || !isRunning(Number(pid));
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    // No signal is sent: the system only looks whether it could be.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
