import { appendFileSync } from 'node:fs';
import type { Reporter, TestModule, TestSpecification } from 'vitest/node';
import type { FileResult, ReportLine } from './test-report.ts';

/** For bin/test: a vitest reporter that writes each file's results to TEST_REPORT as soon as the file has ended. */
export default class ReportWriter implements Reporter {
  onTestRunStart(specifications: readonly TestSpecification[]): void {
    write({ planned: specifications.map(({ moduleId, project }) => nameOf(moduleId, project.config.root)) });
  }

  onTestModuleStart(module: TestModule): void {
    write({ started: nameOf(module.moduleId, module.project.config.root) });
  }

  onTestModuleEnd(module: TestModule): void {
    write({ ended: resultOf(module) });
  }
}

function write(line: ReportLine): void {
  appendFileSync(process.env['TEST_REPORT'] ?? '/dev/null', `${JSON.stringify(line)}\n`);
}

function resultOf(module: TestModule): FileResult {
  const errors = [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
  return {
    name: nameOf(module.moduleId, module.project.config.root),
    status: module.state(),
    message: errors.map(({ message }) => message).join('; '),
    assertionResults: [...module.children.allTests()].map((test) => ({
      fullName: test.fullName,
      status: test.result().state,
    })),
  };
}

function nameOf(moduleId: string, root: string): string {
  return moduleId.startsWith(`${root}/`) ? moduleId.slice(root.length + 1) : moduleId;
}
