import { describe, expect, it } from 'vitest';
import { idleChoices } from '../../src/settings/settings-form.ts';

const minutes = (choices: readonly number[]) => choices.map((ms) => ms / 60_000);

describe('the idle limits to choose from', () => {
  it('are all shorter than the server’s', () => {
    expect(minutes(idleChoices(30 * 60_000, undefined))).toEqual([5, 10, 15]);
    expect(minutes(idleChoices(30 * 60_000 + 1, undefined))).toEqual([5, 10, 15, 30]);
    expect(idleChoices(90_000, undefined)).toEqual([]);
  });

  it('are all where the server has none', () => {
    expect(minutes(idleChoices('off', undefined))).toEqual([5, 10, 15, 30, 60, 120, 240, 480]);
  });

  it('keep the one that was chosen before the server’s became shorter', () => {
    expect(minutes(idleChoices(10 * 60_000, 15 * 60_000))).toEqual([5, 15]);
  });
});
