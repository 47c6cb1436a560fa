import { createHmac } from 'node:crypto';
import argon2 from 'argon2';
import { describe, expect, it, vi } from 'vitest';
import { createPasswordHasher, hashesAtOnce } from '../../src/accounts/password-hasher.ts';
import { AppError } from '../../src/errors.ts';

const pepper = 'a pepper of more than thirty-two characters';
const hasher = createPasswordHasher({ peppers: [pepper] });

describe('the password hasher', () => {
  it('hashes with Argon2id and the parameters of ASVS 11.4.2', async () => {
    expect(await hasher.hash('correct horse')).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  });

  it('salts: the same password never has the same hash', async () => {
    expect(await hasher.hash('correct horse')).not.toBe(await hasher.hash('correct horse'));
  });

  it('accepts the password and nothing near it', async () => {
    const encoded = await hasher.hash('Correct horse ');
    expect(await hasher.verify('Correct horse ', encoded)).toBe(true);
    expect(await hasher.verify('Correct horse', encoded)).toBe(false);
    expect(await hasher.verify('correct horse ', encoded)).toBe(false);
  });

  it('counts every character of a long password', async () => {
    const long = 'x'.repeat(1000);
    const encoded = await hasher.hash(`${long}a`);
    expect(await hasher.verify(`${long}a`, encoded)).toBe(true);
    expect(await hasher.verify(`${long}b`, encoded)).toBe(false);
  });

  it('takes a character that is typed as one or as two for the same', async () => {
    const [composed, decomposed] = ['Caf\u00e9 au lait', 'Cafe\u0301 au lait'];
    expect(await hasher.verify(composed, await hasher.hash(decomposed))).toBe(true);
    expect(await hasher.verify(decomposed, await hasher.hash(composed))).toBe(true);
    expect(await hasher.verify('Cafe au lait', await hasher.hash(composed))).toBe(false);
  });

  it('still takes a password that was hashed as it was typed, and wants a new hash for it', async () => {
    const typed = 'Cafe\u0301 au lait';
    const old = await argon2.hash(createHmac('sha256', pepper).update(typed, 'utf8').digest());
    expect(await hasher.verify(typed, old)).toBe(true);
    expect(await hasher.match(typed, old)).toBe('as_typed');
    const renewed = await hasher.hash(typed);
    expect(hasher.needsRehash(renewed, 'as_typed')).toBe(true);
    expect(await hasher.match(typed, renewed)).toBe('composed');
    expect(hasher.needsRehash(renewed, 'composed')).toBe(false);
  });

  it('does not verify a hash that was made with another pepper', async () => {
    const other = createPasswordHasher({ peppers: [`${pepper}!`] });
    expect(await other.verify('correct horse', await hasher.hash('correct horse'))).toBe(false);
  });

  it('wants a new hash only where the parameters were others', async () => {
    const weaker = await argon2.hash('any', { memoryCost: 1024, timeCost: 2, parallelism: 1 });
    expect(hasher.needsRehash(weaker)).toBe(true);
    expect(hasher.needsRehash(await hasher.hash('any'))).toBe(false);
  });

  it('works as hard for nobody as for somebody, and says no', async () => {
    const verify = vi.spyOn(argon2, 'verify');
    const encoded = await hasher.hash('correct horse');
    await hasher.verify('correct horse', encoded);
    expect(await hasher.verifyAgainstNobody('correct horse')).toBe(false);
    const shapes = verify.mock.calls.map(([text]) =>
      text.split('$').map((part, i) => (i < 4 ? part : part.length)),
    );
    expect(shapes).toHaveLength(2);
    expect(shapes[1]).toEqual(shapes[0]);
  });
});

describe('the password hasher, while PEPPER has two values', () => {
  const newer = 'another pepper of more than thirty-two characters';
  const rotating = createPasswordHasher({ peppers: [newer, pepper] });

  it('verifies what either has hashed, and nothing else', async () => {
    for (const encoded of [await hasher.hash('correct horse'), await rotating.hash('correct horse')]) {
      expect(await rotating.verify('correct horse', encoded)).toBe(true);
      expect(await rotating.verify('battery staple', encoded)).toBe(false);
    }
  });

  it('hashes with the newest, which then needs no other', async () => {
    const encoded = await rotating.hash('correct horse');
    expect(await createPasswordHasher({ peppers: [newer] }).verify('correct horse', encoded)).toBe(true);
    expect(await hasher.verify('correct horse', encoded)).toBe(false);
  });

  it('wants a new hash for each that was not made with the newest', async () => {
    expect(rotating.needsRehash(await hasher.hash('any'))).toBe(true);
    expect(rotating.needsRehash(await createPasswordHasher({ peppers: [pepper, newer] }).hash('any'))).toBe(
      true,
    );
    expect(rotating.needsRehash(await rotating.hash('any'))).toBe(false);
    expect(createPasswordHasher({ peppers: [newer] }).needsRehash(await rotating.hash('any'))).toBe(false);
  });

  it('computes as many hashes whichever pepper fits, and for nobody', async () => {
    const [old, fresh] = [await hasher.hash('correct horse'), await rotating.hash('correct horse')];
    const verify = vi.spyOn(argon2, 'verify');
    for (const attempt of [
      () => rotating.verify('correct horse', old),
      () => rotating.verify('correct horse', fresh),
      () => rotating.verify('wrong', fresh),
      () => rotating.verifyAgainstNobody('wrong'),
    ]) {
      verify.mockClear();
      await attempt();
      const costs = verify.mock.calls.map(([encoded]) => encoded.split('$').slice(1, 4).join('$'));
      expect(costs).toEqual(Array(2).fill('argon2id$v=19$m=19456,p=1,t=2'));
    }
  });
});

describe('the queue of the password hasher', () => {
  it('leaves a core to the requests, and never hashes more than two at once', async () => {
    expect([1, 2, 3, 4, 64].map(hashesAtOnce)).toEqual([1, 1, 2, 2, 2]);
    const two = createPasswordHasher({ peppers: [pepper], maxInFlight: 2 });
    let inFlight = 0;
    let most = 0;
    const verify = argon2.verify;
    vi.spyOn(argon2, 'verify').mockImplementation(async (...call) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      const matches = await verify(...call);
      inFlight -= 1;
      return matches;
    });
    await Promise.all(Array.from({ length: 8 }, () => two.verifyAgainstNobody('guess')));
    expect(most).toBe(2);
  });

  it('refuses with Retry-After past its bound, and takes more once it has room', async () => {
    const small = createPasswordHasher({ peppers: [pepper], maxInFlight: 1, maxWaiting: 2 });
    const accepted = Array.from({ length: 3 }, () => small.hash('accepted'));
    const refused = await small.hash('refused').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({ code: 'unavailable', status: 503, retryAfterSeconds: 2 });
    await Promise.all(accepted);
    await expect(small.hash('accepted again')).resolves.toMatch(/^\$argon2id/);
  });

  it('bounds verifications together with hashes', async () => {
    const small = createPasswordHasher({ peppers: [pepper], maxInFlight: 1, maxWaiting: 0 });
    const running = small.hash('accepted');
    await expect(small.verifyAgainstNobody('guess')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(small.verify('guess', 'not looked at')).rejects.toMatchObject({ code: 'unavailable' });
    await running;
  });

  it('checks the password of a known device before those that strangers had waiting', async () => {
    const small = createPasswordHasher({ peppers: [pepper], maxInFlight: 1 });
    const ended: string[] = [];
    const check = (lane: 'known' | 'slow' | 'new', name: string) =>
      small.verifyAgainstNobody('guess', lane).then(() => ended.push(name));
    const checks = [check('new', 'running'), check('new', 'stranger'), check('new', 'another stranger')];
    checks.push(check('slow', 'slow'), check('known', 'known'));
    await Promise.all(checks);
    expect(ended).toEqual(['running', 'known', 'slow', 'stranger', 'another stranger']);
  });

  it('has room for a known device while strangers fill their own lane', async () => {
    const small = createPasswordHasher({ peppers: [pepper], maxInFlight: 1, maxWaiting: 2 });
    const strangers = Array.from({ length: 3 }, () => small.verifyAgainstNobody('guess', 'new'));
    await expect(small.verifyAgainstNobody('guess', 'new')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(small.verifyAgainstNobody('guess', 'known')).resolves.toBe(false);
    await Promise.all(strangers);
  });

  it('gives strangers every fourth turn, however many known devices come', async () => {
    const small = createPasswordHasher({ peppers: [pepper], maxInFlight: 1 });
    const ended: string[] = [];
    const check = (lane: 'known' | 'new') =>
      small.verifyAgainstNobody('guess', lane).then(() => ended.push(lane));
    await Promise.all([...Array.from({ length: 9 }, () => check('known')), check('new'), check('new')]);
    expect(ended.slice(0, 9).filter((lane) => lane === 'new')).toHaveLength(2);
  });
});
