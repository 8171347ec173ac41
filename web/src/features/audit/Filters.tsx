import { Search } from 'lucide-react'
import type { TextKey } from '../../i18n/i18n'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { everything, type Query } from './search'
import { kindName, topics, type Users } from './words'

interface FiltersProps {
  readonly query: Query
  readonly users: Users
  readonly busy: boolean
  readonly onChange: (query: Query) => void
  readonly onSearch: (query: Query) => void
}

/** What to look for. Nothing is searched before it is asked for, because each search is an entry of the log. */
export function Filters({ query, users, busy, onChange, onSearch }: FiltersProps) {
  const t = useText()
  const people = [...users.values()].sort((one, other) => one.name.localeCompare(other.name))
  const put = (name: keyof Query) => (event: { readonly target: { readonly value: string } }) =>
    onChange({ ...query, [name]: event.target.value })
  return (
    <form
      aria-label={t('audit.filter')}
      className="grid gap-4 rounded-xl border border-line bg-surface p-5 sm:grid-cols-2"
      onSubmit={event => {
        event.preventDefault()
        if (!busy) onSearch(query)
      }}
    >
      <SelectField label={t('audit.filter.kind')} value={query.kind} onChange={put('kind')}>
        <option value="">{t('audit.filter.anyKind')}</option>
        {topics.map(([topic, kinds]) => (
          <optgroup key={topic} label={t(`audit.group.${topic}` as TextKey)}>
            {kinds.map(each => (
              <option key={each} value={each}>
                {kindName(t, each)}
              </option>
            ))}
          </optgroup>
        ))}
      </SelectField>
      <SelectField label={t('audit.filter.about')} value={query.about} onChange={put('about')}>
        <option value="">{t('audit.filter.anybody')}</option>
        {query.about && !users.has(query.about) && <option value={query.about}>{query.about}</option>}
        {people.map(each => (
          <option key={each.id} value={each.id}>
            {each.name}, {each.email}
          </option>
        ))}
      </SelectField>
      <TextField label={t('audit.filter.from')} type="datetime-local" value={query.from} onChange={put('from')} />
      <TextField label={t('audit.filter.until')} type="datetime-local" value={query.until} onChange={put('until')} />
      <SelectField label={t('audit.filter.outcome')} value={query.outcome} onChange={put('outcome')}>
        <option value="">{t('audit.filter.anyOutcome')}</option>
        <option value="success">{t('audit.outcome.success')}</option>
        <option value="failure">{t('audit.outcome.failure')}</option>
      </SelectField>
      <div className="flex flex-wrap gap-3 sm:col-span-2">
        <Button type="submit" look="primary" busy={busy}>
          <Search aria-hidden="true" className="size-4 shrink-0" />
          {t('audit.search')}
        </Button>
        <Button busy={busy} onClick={() => onSearch(everything)}>
          {t('audit.reset')}
        </Button>
      </div>
    </form>
  )
}
