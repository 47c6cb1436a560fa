import { describe, expect, it } from 'vitest';
import { createKeyRing } from '../../src/storage/key-ring.ts';
import { createLinkSeal } from '../../src/telegram/link-seal.ts';
import { TEST_SECRETS } from '../support/test-server.ts';

const LINK = 'https://curfew.example/auth/device/Zk3vQx81LmNpRsTuVwXy';
const PAGE = 'https://curfew.example/sessions';

describe('A link in a message that waits', () => {
  const ring = (key: string) => createKeyRing({ keys: [key], clock: { now: () => Date.UTC(2026, 10, 20) } });
  const seal = createLinkSeal(ring(TEST_SECRETS.ENCRYPTION_KEY).forPurpose('telegram-link'), PAGE);

  it('cannot be read until it is sent, among several and beside other text', () => {
    const waiting = `One: ${seal.seal(LINK)}\nTwo: ${seal.seal(`${LINK}2`)}, end.`;
    expect(waiting).not.toContain('auth/device');
    expect(seal.open(waiting)).toBe(`One: ${LINK}\nTwo: ${LINK}2, end.`);
    expect(seal.open('Nothing sealed')).toBe('Nothing sealed');
  });

  it('leads to the devices page where its key is gone', () => {
    const other = createLinkSeal(
      ring('ZwMrKGJ5ZzN0dDh4bXFwbDR2c3c5ZTFhdTcwaGtieWY').forPurpose('telegram-link'),
      PAGE,
    );
    expect(other.open(`End it: ${seal.seal(LINK)}`)).toBe(`End it: ${PAGE}`);
  });
});
