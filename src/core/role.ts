export const ROLES = ['admin', 'user', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

export const ROLE_NAMES = {
  admin: 'Administrator',
  user: 'Trader',
  viewer: 'Viewer',
} as const satisfies Readonly<Record<Role, string>>;

/** For forms that offer a choice. */
export const ROLE_DESCRIPTIONS = {
  admin: 'Sees and changes everything under Security.',
  user: 'Sees and changes what is theirs, and connects brokers.',
  viewer: 'Sees what is theirs and changes nothing. No broker connection, no token.',
} as const satisfies Readonly<Record<Role, string>>;

const RANKS = { viewer: 0, user: 1, admin: 2 } as const satisfies Readonly<Record<Role, number>>;

/** Whether a role may do all that the other one may. */
export const includesRole = (role: Role, needed: Role): boolean => RANKS[role] >= RANKS[needed];
