import { fileURLToPath } from 'node:url';

/** Where Curfew lies. Loaded before the compile cache is in use: it imports nothing of Curfew's. */
export const PROJECT_FOLDER = fileURLToPath(new URL('../..', import.meta.url));
