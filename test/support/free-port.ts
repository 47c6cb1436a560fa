import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the range from which Linux takes the ports of outgoing connections: a client that retries
 * while its server is down could otherwise take the port, or even connect to itself.
 */
const LOWEST = 20_000;
const BEYOND = 32_000;
const ATTEMPTS = 50;

/** A TCP port on 127.0.0.1 that nobody listened on a moment ago. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, BEYOND);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${BEYOND}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** Another process can take a free port before the server does: then it tries the next one, three times in all. */
export async function onFreePort<T>(start: (port: number) => Promise<T>, attempts = 3): Promise<T> {
  const port = await findFreePort();
  try {
    return await start(port);
  } catch (error) {
    if (attempts <= 1) throw error;
    return onFreePort(start, attempts - 1);
  }
}
