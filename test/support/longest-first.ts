import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that wait a lot begin first, so that the others fill the time in which they wait. */
const PROJECTS = ['faults', 'server'];

/** The longest of all begin before these: one that begins late leaves the other workers idle at the end. */
const HEAVIEST = [
  'faults/random-schedules',
  'faults/machine-clock',
  'faults/mutations',
  'feed/shared-stream',
  'bench/bench',
  'journeys/marker-secrets',
  'sessions/lifecycle',
  'interleavings/mutations',
  'interleavings/interleavings',
  'sessions/redis-at-scale',
  'feed/life',
  'journeys/visitors',
  'journeys/trading-day',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ project, moduleId }: TestSpecification): number {
  const heaviest = HEAVIEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  if (heaviest !== -1) return heaviest;
  const index = PROJECTS.indexOf(project.name);
  return HEAVIEST.length + (index === -1 ? PROJECTS.length : index);
}
