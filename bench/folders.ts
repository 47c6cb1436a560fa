import { fileURLToPath } from 'node:url';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const PUBLIC_FOLDER = folder('../public');
export const VIEWS_FOLDER = folder('../views');
export const SOURCE_FOLDER = folder('../src');
export const BENCH_FOLDER = folder('.');
export const PROJECT_FOLDER = folder('..');
export const DOCS_FOLDER = folder('../docs');
export const RESULTS_FOLDER = folder('results');
