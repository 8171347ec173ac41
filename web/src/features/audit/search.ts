/** Searching the audit log: what is asked for, and the pages that come of it. */
import { type AuditEntry, api, dataOf } from '../../api/client'

/** What is looked for; what is empty does not narrow the search. */
export interface Query {
  readonly kind: string
  readonly about: string
  readonly outcome: string
  /** of `<input type="datetime-local">`, in the time of this place */
  readonly from: string
  readonly until: string
}

export const everything: Query = { kind: '', about: '', outcome: '', from: '', until: '' }

/** What was found so far. */
export interface Found {
  readonly query: Query
  readonly entries: readonly AuditEntry[]
  readonly next: string | undefined
  /** the time of the oldest entry that was looked at */
  readonly back: string | undefined
}

const pageSize = 50
/** How many pages without an entry are passed over before a person is asked. */
const emptyPages = 20

/** The first page of a search, or the next one after what was found. Throws an ApiError. */
export async function search(query: Query, found?: Found): Promise<Found> {
  let after = found?.next
  for (let pages = 1; ; pages++) {
    const page = await dataOf(api.GET('/api/v1/audit/entries', { params: { query: parameters(query, after) } }))
    after = page.next
    if (page.items.length > 0 || after === undefined || pages === emptyPages) {
      const entries = [...(found?.entries ?? []), ...page.items]
      return { query, entries, next: after, back: page.back }
    }
  }
}

function parameters({ kind, about, outcome, from, until }: Query, after: string | undefined) {
  const time = (local: string) => new Date(local).toISOString()
  return {
    limit: pageSize,
    ...(kind && { kind }),
    ...(about && { about }),
    ...(outcome && { outcome }),
    ...(from && { from: time(from) }),
    ...(until && { until: time(until) }),
    ...(after && { after }),
  }
}
