import { z } from 'zod';
import { ROLE_DESCRIPTIONS, ROLE_NAMES, ROLES, type Role } from '../../core/role.ts';

export const roleSchema = z.enum(ROLES, { error: 'Choose what they may do.' });

/** A role as a form offers it. */
export interface RoleChoice {
  readonly value: Role;
  readonly label: string;
  readonly hint: string;
  readonly chosen: boolean;
}

export const roleChoices = (chosen: string): readonly RoleChoice[] =>
  ROLES.map((value) => ({
    value,
    label: ROLE_NAMES[value],
    hint: ROLE_DESCRIPTIONS[value],
    chosen: value === chosen,
  }));
