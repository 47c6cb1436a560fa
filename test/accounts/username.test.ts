import { describe, expect, it } from 'vitest';
import { isUsername, usernameKey, usernameSchema } from '../../src/accounts/username.ts';

describe('a username', () => {
  it.each(['asha', 'Asha.Rao', 'a_b-c', 'asha@example.com', 'आशा', '007', 'x'.repeat(64)])(
    'may be %s',
    (name) => {
      expect(usernameSchema.parse(name)).toBe(name);
    },
  );

  it.each([
    ['two characters', 'ab'],
    ['65 characters', 'x'.repeat(65)],
    ['a space inside', 'asha rao'],
    ['a slash', 'asha/rao'],
    ['markup', '<script>'],
    ['a line break', 'asha\nrao'],
    ['a NUL', 'asha\u0000'],
    ['a dot in front', '.asha'],
    ['an invisible joiner', 'as\u200dha'],
    ['a right-to-left override', 'as\u202eha'],
    ['nothing', ''],
  ])('may not have %s', (_what, name) => {
    expect(isUsername(name)).toBe(false);
  });

  it('loses the space around it and keeps its capitals', () => {
    expect(usernameSchema.parse('  Asha ')).toBe('Asha');
  });

  it('is the same person in any case, width and composition', () => {
    const keys = ['asha', ' ASHA ', 'ＡＳＨＡ'].map(usernameKey);
    expect(new Set(keys)).toEqual(new Set(['asha']));
    expect(usernameKey('Zoe\u0308')).toBe(usernameKey('ZOË'));
  });

  it.each(['İstanbul', 'ſtrange', 'ẞtrasse', 'ΑΣ'])('has a key that is its own key: %s', (name) => {
    expect(usernameKey(usernameKey(name))).toBe(usernameKey(name));
  });
});

it.each(['cli', 'System', ' ANONYMOUS ', 'curfew'])(
  'nobody can be called %j, as the audit log calls others',
  (name) => {
    expect(isUsername(name)).toBe(false);
  },
);

describe('a new username', () => {
  it.each([
    ['Latin and Cyrillic', 'аsha'],
    ['Latin and Greek', 'ashα'],
    ['Latin and Devanagari', 'ashaआशा'],
    ['Latin and Katakana', 'ashaカ'],
    ['Cyrillic and Greek', 'жук.λ12'],
    ['digits of another script', 'asha०१'],
    ['a letter of a script that is not written today', 'asha𐌰'],
  ])('is refused that mixes scripts: %s', (_what, name) => {
    expect(usernameSchema.safeParse(name).success).toBe(false);
  });

  it.each([
    'asha.rao-7@example.com',
    'zoë_ström',
    'आशा.राव७',
    'ஆஷா7',
    'আশা_১২',
    'жук-12',
    '山田たろう',
    '김철수.韓',
    '1234',
  ])('may be of one script, with signs and digits: %s', (name) => {
    expect(usernameSchema.parse(name)).toBe(name);
  });

  it.each(['webhook', 'WebHook', ' ｗｅｂｈｏｏｋ '])('is not %j', (name) => {
    expect(usernameSchema.safeParse(name).success).toBe(false);
  });

  it.each(['webhook', 'аsha', 'ashaआशा'])('leaves %j to the account that has it already', (name) => {
    expect(isUsername(name)).toBe(true);
  });
});
