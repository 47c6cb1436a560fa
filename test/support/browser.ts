import { type Browser, chromium } from 'playwright-core';
import { findBinary } from './find-binary.ts';

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
];

/** Starts the system's Chromium; the caller closes it. Throws when it is not installed. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findBinary('chromium', { debianPackage: 'chromium', directories: ['/usr/bin'] });
  // Chromium's sandbox refuses to run as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args: [...FLAGS, ...sandbox] });
}
