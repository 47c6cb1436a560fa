/** SECOND_FACTOR: who must have a second factor. */
export const SECOND_FACTOR_RULES = ['off', 'admins', 'all'] as const;
export type SecondFactorRule = (typeof SECOND_FACTOR_RULES)[number];
