const NAMES: Readonly<Record<string, string>> = {
  database: 'Database',
  redis: 'Redis',
  clock: 'Clock, compared with Redis’s',
};

/** Name of a part of the server's readiness. */
export const partName = (part: string): string => NAMES[part] ?? part;
