import type { User } from '../../api/client'

export type Role = User['roles'][number]

/** What an account may be, in the order of the server. */
export const roles: readonly Role[] = [
  'user',
  'meeting_manager',
  'operator',
  'user_admin',
  'security_officer',
  'auditor',
]

/** Whether the account has one of the roles. */
export function hasRole(user: User, ...wanted: readonly Role[]): boolean {
  return user.roles.some(role => wanted.includes(role))
}
