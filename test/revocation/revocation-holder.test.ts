import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createRevocationHolder } from '../../src/revocation/revocation-holder.ts';

describe('whoever holds an order', () => {
  const own = createRevocationHolder();
  const processOf = async (code: string) => {
    const child = spawn(process.execPath, ['-e', code]);
    await once(child, 'spawn');
    return child;
  };

  it('is gone when its process on this machine has ended, and not before', async () => {
    const child = await processOf('setInterval(() => {}, 1000)');
    const holder = `${hostname()} ${child.pid} run`;
    expect(own.isGone(holder)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(own.isGone(holder)).toBe(true);
  });

  it('is gone when this process has its number now', () => {
    expect(own.isGone(`${hostname()} ${process.pid} another-run`)).toBe(true);
    expect(own.isGone(own.name)).toBe(false);
  });

  it('may be there as far as can be told from another machine, or from words that say nothing', () => {
    for (const name of [
      'elsewhere 999999999 run',
      '',
      'x',
      `${hostname()} 0 run`,
      `${hostname()} -1 run`,
      `${hostname()} x y`,
    ])
      expect(own.isGone(name), name).toBe(false);
  });

  it('is told from every other run', () => {
    expect(createRevocationHolder().name).not.toBe(own.name);
  });
});
