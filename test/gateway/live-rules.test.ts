import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit-event.ts';
import { createLiveRules, RulesFileError } from '../../src/gateway/live-rules.ts';
import { createScratchDirectory, type ScratchDirectory } from '../support/scratch-directory.ts';

const ONE = 'rules:\n  - { name: One, host: a.example, who: public }\n';
const TWO = `${ONE}  - { name: Two, host: b.example, who: signed-in }\n`;
const BAD = 'rules:\n  - { name: One, host: a.example, who: nobody }\n';

describe('The rules in force', () => {
  let folder: ScratchDirectory;
  let file: string;
  let events: AuditEvent[];
  let lines: string[];

  beforeEach(() => {
    folder = createScratchDirectory('rules');
    file = join(folder.path, 'gateway.yaml');
    events = [];
    lines = [];
  });
  afterEach(() => folder.remove());

  function create({ isOff = false } = {}) {
    const note = (_fields: object, words: string): void => void lines.push(words);
    return createLiveRules({
      file: isOff ? undefined : file,
      usernameKey: (name) => name,
      scheme: 'https',
      ownHost: 'curfew.example.com',
      ownPaths: new Set(),
      audit: {
        record: async (event) => void events.push(event),
        recordMany: async () => undefined,
      },
      log: { debug: note, info: note, warn: note, error: note },
    });
  }
  const namesOf = (rules: ReturnType<typeof create>) => rules.current().map(({ name }) => name);

  it('are none where the gateway is off', async () => {
    const rules = create({ isOff: true });
    await rules.load();
    await rules.reload();
    expect(rules.current()).toEqual([]);
  });

  it('keep the server from starting where they cannot be used, with the line', async () => {
    writeFileSync(file, BAD);
    const rules = create();
    await expect(rules.load()).rejects.toThrow(RulesFileError);
    await expect(rules.load()).rejects.toThrow(/gateway\.yaml, line 2: rules\.who: is public, signed-in/);
    rmSync(file);
    await expect(rules.load()).rejects.toThrow(/cannot be read \(ENOENT\)/);
  });

  it('follow the file, and a bad one changes nothing and is recorded once', async () => {
    writeFileSync(file, ONE);
    const rules = create();
    await rules.load();
    writeFileSync(file, TWO);
    await rules.reload();
    expect(namesOf(rules)).toEqual(['One', 'Two']);
    writeFileSync(file, BAD);
    await rules.reload();
    await rules.reload();
    expect(namesOf(rules)).toEqual(['One', 'Two']);
    writeFileSync(file, ONE);
    await rules.reload();
    expect(namesOf(rules)).toEqual(['One']);
    expect(events.map(({ type }) => type)).toEqual([
      'gateway.rules_changed',
      'gateway.rules_refused',
      'gateway.rules_changed',
    ]);
    expect(lines.filter((line) => line.includes('Refused'))).toHaveLength(1);
  });

  it('stay while an editor replaces the file', async () => {
    writeFileSync(file, ONE);
    const rules = create();
    await rules.load();
    rmSync(file);
    await rules.reload();
    writeFileSync(file, ONE);
    await rules.reload();
    expect(namesOf(rules)).toEqual(['One']);
  });
});
