import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests that wait a lot begin first, so that the others fill the time in which they wait. */
const PROJECTS = ['faults', 'server'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification): number => {
      const index = PROJECTS.indexOf(project.name);
      return index === -1 ? PROJECTS.length : index;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
