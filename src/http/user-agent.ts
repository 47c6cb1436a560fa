import type { Request } from 'express';

/** Longer than any browser's, and short enough to be kept with each session. */
const LONGEST = 300;

/** The client's User-Agent, cut; undefined where there is none. */
export const userAgentOf = (req: Request): string | undefined => req.get('user-agent')?.slice(0, LONGEST);
