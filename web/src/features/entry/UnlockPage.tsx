import { CircleCheck } from 'lucide-react'
import { useEffect, useState } from 'react'
import { api, dataOf } from '../../api/client'
import { useAction } from '../../api/resource'
import { Shell } from '../../app/Shell'
import { useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { Page, StatePage } from '../../ui/Page'
import { Problem } from '../../ui/Problem'
import { FailurePage } from '../failure/FailurePage'

/** Ends the lock of an account by the link in a mail: on the press of a button, because programs look at links in mails too. */
export function UnlockPage() {
  const t = useText()
  const [token] = useState(() => location.hash.slice(1))
  useEffect(() => history.replaceState(null, '', location.pathname), []) // it stays neither in the address nor in the history
  const { trouble, busy, run } = useAction()
  const [done, setDone] = useState(false)
  const unlock = () =>
    run(async () => {
      await dataOf(api.POST('/api/v1/unlock', { body: { token } }))
      setDone(true)
    })
  const signIn = (
    <ButtonLink href="/signin" look="primary">
      {t('action.signIn')}
    </ButtonLink>
  )
  if (done) {
    return (
      <Shell account={false}>
        <StatePage icon={CircleCheck} title={t('unlock.done')} text={t('unlock.doneText')}>
          {signIn}
        </StatePage>
      </Shell>
    )
  }
  if (token === '' || trouble?.code === 'unlock.invalid') {
    return (
      <Shell account={false}>
        <FailurePage trouble={trouble ?? { code: 'unlock.invalid' }}>{signIn}</FailurePage>
      </Shell>
    )
  }
  return (
    <Shell account={false}>
      <Page title={t('unlock.title')} intro={t('unlock.intro')}>
        {trouble && <Problem trouble={trouble} />}
        <Button look="primary" size="large" busy={busy} onClick={unlock}>
          {t('unlock.submit')}
        </Button>
      </Page>
    </Shell>
  )
}
