import { Suspense } from 'react'
import { api, dataOf, type FactorWanted } from '../../api/client'
import { Shell } from '../../app/Shell'
import { Texts, useText } from '../../i18n/react'
import { Loading, Page } from '../../ui/Page'
import { SecondFactor } from './SecondFactor'

interface SecondPageProps {
  readonly wanted: FactorWanted
  readonly onProved: () => Promise<void>
}

/** After the password, or the identity provider, where the account has a second factor. */
export function SecondPage(props: SecondPageProps) {
  return (
    <Shell account={false}>
      <Suspense fallback={<Loading />}>
        <Texts chapter="more">
          <Second {...props} />
        </Texts>
      </Suspense>
    </Shell>
  )
}

function Second({ wanted, onProved }: SecondPageProps) {
  const t = useText()
  return (
    <Page title={t('factor.secondTitle')} intro={t('factor.secondIntro')}>
      <div className="grid gap-5 rounded-xl border border-line bg-surface p-5">
        <SecondFactor
          wanted={wanted}
          label={t('action.signIn')}
          prove={proof =>
            dataOf(api.POST('/api/v1/session/factor', { body: { challenge: wanted.challenge, ...proof } }))
          }
          onProved={onProved}
        />
      </div>
    </Page>
  )
}
