import { expect, it } from 'vitest';
import { isWithinJsonBounds } from '../../src/http/json-shape.ts';

const bounds = { depth: 2, values: 4 };

it.each(['', '[]', '{"a":[1,2]}', '[1,2,3,4]', '"[[[[[["', '{"[[[,,,,,,,":"\\",,,,[[["}', 'no JSON at all'])(
  'lets %j pass',
  (text) => {
    expect(isWithinJsonBounds(text, bounds)).toBe(true);
  },
);

it.each(['[[[]]]', '[1,2,3,4,5]', '[[],[],[]]', '{"a":{"b":{', '["a\\\\",[[]]]'])('refuses %j', (text) => {
  expect(isWithinJsonBounds(text, bounds)).toBe(false);
});
