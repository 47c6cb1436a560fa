import type { Request } from 'express';

/** Longer than any browser's, and short enough to be kept with each session. */
const LONGEST = 300;

/** What the browser or program says of itself, cut; undefined where it says nothing. */
export const userAgentOf = (req: Request): string | undefined => req.get('user-agent')?.slice(0, LONGEST);
