import { useCompileCache } from './boot/compile-cache.ts';

// Before all the rest is loaded, which takes its time: a hangup during the start, or while it closes, must not be its end.
process.on('SIGHUP', () => undefined);

useCompileCache();
const { start } = await import('./boot/start.ts');
await start(process.env);
