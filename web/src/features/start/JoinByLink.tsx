import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { Section } from '../../ui/Page'
import { linkIn } from './link'

/** For those who were given a link. */
export function JoinByLink() {
  const t = useText()
  const [, navigate] = useLocation()
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  const open = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const link = linkIn(text)
    setWrong(link === undefined)
    if (link) navigate(`/join/${link}`)
    else event.currentTarget.querySelector('input')?.focus()
  }
  return (
    <Section title={t('start.byLink')}>
      <form onSubmit={open} noValidate className="grid gap-3">
        <TextField
          label={t('start.link')}
          hint={t('start.linkHint')}
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          value={text}
          error={wrong ? t('start.linkWrong') : undefined}
          onChange={event => setText(event.currentTarget.value)}
        />
        <Button type="submit" className="justify-self-start">
          {t('start.goTo')}
        </Button>
      </form>
    </Section>
  )
}
