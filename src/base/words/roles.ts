// Roles of people: what somebody may do with the running program.

/** In the order of the design's table. Who may do what stands beside each operation, in admin. */
export const ROLES = ['viewer', 'help-desk', 'operator', 'approver', 'auditor', 'administrator'] as const;

/** One of ROLES. */
export type Role = (typeof ROLES)[number];
