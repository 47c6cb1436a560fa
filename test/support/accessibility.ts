import axe from 'axe-core';
import type { Page } from 'playwright-core';

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly helpUrl: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

const OPTIONS = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
};

/** A change of scheme may still be under way, with colours that no reader sees for longer than a blink. */
const TRANSITIONS_OVER = `Promise.allSettled(
  document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished),
)`;

/**
 * Fails, naming each rule and element, when the page as it stands breaks WCAG 2.2 A or AA or axe's best practices,
 * in the light or the dark colour scheme. The page's Content-Security-Policy stays in force.
 */
export async function expectNoAxeViolations(page: Page): Promise<void> {
  const reports: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(`${TRANSITIONS_OVER}.then(() => undefined)`);
    const violations = await findViolations(page);
    reports.push(...violations.map((violation) => `${colorScheme}: ${describeViolation(violation)}`));
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (reports.length > 0) throw new Error(`${page.url()} is not accessible\n\n${reports.join('\n\n')}`);
}

/** Evaluated over the debugging protocol, which a page's policy does not bind. */
async function findViolations(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(`if (globalThis.axe === undefined) { ${axe.source} }`);
  return page.evaluate<readonly Violation[]>(
    `axe.run(document, ${JSON.stringify(OPTIONS)}).then((results) => results.violations)`,
  );
}

function describeViolation({ id, impact, help, helpUrl, nodes }: Violation): string {
  const where = nodes.map(
    (node) => `  at ${node.target.join(' ')}\n    ${node.failureSummary.replaceAll('\n', '\n    ')}`,
  );
  return [`${help} (${id}, ${impact}; ${helpUrl})`, ...where].join('\n');
}
