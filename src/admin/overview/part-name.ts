const NAMES: Readonly<Record<string, string>> = {
  database: 'Database',
  redis: 'Redis',
  clock: 'Clock, compared with Redis’s',
};

/** What people call a part of the server's readiness. */
export const partName = (part: string): string => NAMES[part] ?? part;
