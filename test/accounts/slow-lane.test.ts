import { beforeEach, describe, expect, it } from 'vitest';
import { createSlowLane, type SlowLane } from '../../src/accounts/slow-lane.ts';

const limits = [{ points: 3, durationSeconds: 60 }];

describe('the slow lane', () => {
  let lane: SlowLane;
  let answers: string[];
  beforeEach(() => {
    lane = createSlowLane({ limits, turnSeconds: 1, mostInLine: 2 });
    answers = [];
  });

  const enter = (network: string, account = 'asha') =>
    lane.enter(account, network).then((taking) => {
      answers.push(`${network} ${taking.kind}`);
      return taking;
    });

  it('is passed at once by whoever comes alone', async () => {
    const startedAt = performance.now();
    expect(await enter('one')).toMatchObject({ kind: 'taken' });
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it('gives the next attempt at an account its turn later, and holds up no other account', async () => {
    await enter('one');
    const startedAt = performance.now();
    const [second] = await Promise.all([enter('two'), enter('three', 'ravi')]);
    expect(second).toMatchObject({ kind: 'taken' });
    expect(answers).toEqual(['one taken', 'three taken', 'two taken']);
    expect(performance.now() - startedAt).toBeGreaterThan(800);
  });

  it('lets a network that has just come pass those that come again and again', async () => {
    await enter('guesser');
    const guess = enter('guesser');
    const owner = enter('owner');
    await Promise.all([guess, owner]);
    expect(answers).toEqual(['guesser taken', 'owner taken', 'guesser taken']);
  });

  it('makes room in a full line for a network that has come less often', async () => {
    await Promise.all([enter('one'), enter('two')]);
    const again = [enter('one'), enter('two')];
    const owner = await enter('owner');
    expect(owner).toMatchObject({ kind: 'taken' });
    expect(answers.filter((answer) => answer.endsWith('limited'))).toEqual(['two limited']);
    await Promise.all(again);
  });

  it('refuses the second attempt of a network that waits already, and says when to come again', async () => {
    await enter('one');
    const first = enter('one');
    expect(await enter('one')).toMatchObject({ kind: 'limited', retryAfterSeconds: 1 });
    expect(await first).toMatchObject({ kind: 'taken' });
  });

  it('gives a network a small budget for all accounts, and gives back what did not count', async () => {
    for (const account of ['a', 'b', 'c']) await enter('one', account);
    expect(await enter('one', 'd')).toMatchObject({ kind: 'limited' });
    const success = await enter('two', 'e');
    if (success.kind === 'taken') await success.giveBack();
    for (const account of ['f', 'g', 'h'])
      expect(await enter('two', account)).toMatchObject({ kind: 'taken' });
  });
});
