import { expect, it } from 'vitest';
import { createMissedMessages } from '../../src/storage/missed-messages.ts';

it('finds nothing missing in a row without holes, wherever it begins', () => {
  const missed = createMissedMessages();
  expect([5, 6, 7].map((number) => missed.note('a', number))).toEqual([false, false, false]);
});

it('tells once of what is missing', () => {
  const missed = createMissedMessages();
  expect([1, 2, 5, 6].map((number) => missed.note('a', number))).toEqual([false, false, true, false]);
});

it('counts each sender by itself', () => {
  const missed = createMissedMessages();
  missed.note('a', 1);
  expect(missed.note('b', 9)).toBe(false);
  expect(missed.note('a', 2)).toBe(false);
  expect(missed.note('b', 11)).toBe(true);
});

it('does not miss one that was only overtaken, a second time', () => {
  const missed = createMissedMessages();
  expect([1, 3, 2, 4].map((number) => missed.note('a', number))).toEqual([false, true, false, false]);
});
