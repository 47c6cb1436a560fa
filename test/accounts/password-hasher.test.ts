import argon2 from 'argon2';
import { describe, expect, it, vi } from 'vitest';
import { createPasswordHasher } from '../../src/accounts/password-hasher.ts';
import { AppError } from '../../src/errors.ts';

const pepper = 'a pepper of more than thirty-two characters';
const hasher = createPasswordHasher({ pepper });

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

  it('does not verify a hash that was made with another pepper', async () => {
    const other = createPasswordHasher({ pepper: `${pepper}!` });
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

describe('the queue of the password hasher', () => {
  it('has at most two hashes in flight', async () => {
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
    await Promise.all(Array.from({ length: 8 }, () => hasher.verifyAgainstNobody('guess')));
    expect(most).toBe(2);
  });

  it('refuses with Retry-After past its bound, and takes more once it has room', async () => {
    const small = createPasswordHasher({ pepper, maxInFlight: 1, maxWaiting: 2 });
    const accepted = Array.from({ length: 3 }, () => small.hash('accepted'));
    const refused = await small.hash('refused').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({ code: 'unavailable', status: 503, retryAfterSeconds: 2 });
    await Promise.all(accepted);
    await expect(small.hash('accepted again')).resolves.toMatch(/^\$argon2id/);
  });

  it('bounds verifications together with hashes', async () => {
    const small = createPasswordHasher({ pepper, maxInFlight: 1, maxWaiting: 0 });
    const running = small.hash('accepted');
    await expect(small.verifyAgainstNobody('guess')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(small.verify('guess', 'not looked at')).rejects.toMatchObject({ code: 'unavailable' });
    await running;
  });
});
