import { describe, expect, it } from 'vitest';
import { createLivePolicy, type SessionPolicy } from '../../src/core/session-policy.ts';

const BEFORE: SessionPolicy = { cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 1_800_000 };

describe('the policy in force', () => {
  it('tells every listener of a change, with what was before', () => {
    const policy = createLivePolicy(BEFORE);
    const heard: unknown[] = [];
    policy.onChange((...change) => heard.push(change));
    policy.onChange((...change) => heard.push(change));
    const after: SessionPolicy = { ...BEFORE, idleTimeoutMs: 'off' };
    policy.replace(after);
    expect(policy.current()).toEqual(after);
    expect(heard).toEqual([
      [after, BEFORE],
      [after, BEFORE],
    ]);
  });

  it('is in force before the listeners hear of it', () => {
    const policy = createLivePolicy(BEFORE);
    let seen: SessionPolicy | undefined;
    policy.onChange(() => {
      seen = policy.current();
    });
    policy.replace({ ...BEFORE, cutoffTime: 'off' });
    expect(seen?.cutoffTime).toBe('off');
  });

  it('says nothing when nothing changed', () => {
    const policy = createLivePolicy(BEFORE);
    let heard = 0;
    policy.onChange(() => {
      heard += 1;
    });
    policy.replace({ cutoffTime: { hour: 3, minute: 0 }, idleTimeoutMs: 1_800_000 });
    expect(heard).toBe(0);
  });
});
