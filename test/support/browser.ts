import {
  type BrowserContext,
  type CDPSession,
  type Browser as Chromium,
  chromium,
  type Page,
} from 'playwright-core';
import { findBinary } from './find-binary.ts';

const DISABLED_FEATURES = [
  // Of Playwright's own list, in whose place this one stands, those that matter here.
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  // Chromium 156 draws the suggestions of its address bar as a page, also without a window: 20 to 40 % of a core for nothing.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
];

/** What keeps Chromium off the network and small; none of it changes how a page behaves. */
const FLAGS = [
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Containers give /dev/shm 64 MB, and a tab that fills it crashes.
  '--disable-dev-shm-usage',
  // Names for tests (RFC 6761) are this machine's: what cookies of a domain do needs hosts below one.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
  `--disable-features=${DISABLED_FEATURES.join()}`,
];

/** A browser of one test file: its contexts share a Chromium with those of other files in this process. */
export interface Browser {
  newContext: Chromium['newContext'];
  /** Closes its contexts. */
  close(): Promise<void>;
}

let chromiumOfThisProcess: Promise<Chromium> | undefined;

/** Starts the system's Chromium where it does not run yet. Throws when it is not installed. */
export async function launchBrowser(): Promise<Browser> {
  chromiumOfThisProcess ??= launchChromium();
  const shared = await chromiumOfThisProcess;
  const contexts: BrowserContext[] = [];
  return {
    async newContext(options) {
      const context = await shared.newContext(options);
      contexts.push(context);
      return context;
    },
    close: async () => void (await Promise.all(contexts.map((context) => context.close()))),
  };
}

/** It ends with this process. */
async function launchChromium(): Promise<Chromium> {
  const executablePath = findBinary('chromium', { debianPackage: 'chromium', directories: ['/usr/bin'] });
  // Chromium's sandbox refuses to run as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const chromiumHere = await chromium.launch({ executablePath, args: [...FLAGS, ...sandbox] });
  chromiumHere.once('disconnected', () => {
    chromiumOfThisProcess = undefined;
  });
  return chromiumHere;
}

export interface PageAuthenticator {
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
}

/** A built-in authenticator of the page, which says yes to everything. */
export async function addAuthenticator(page: Page): Promise<PageAuthenticator> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}
