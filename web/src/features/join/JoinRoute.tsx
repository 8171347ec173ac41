import { Suspense, useCallback, useEffect, useState } from 'react'
import { api, dataOf, type Preview } from '../../api/client'
import { useResource } from '../../api/resource'
import { networkDenied, useChangedSession } from '../../api/session'
import { Boundary } from '../../app/Boundary'
import { Shell, signInAddress } from '../../app/Shell'
import { createCall, rememberedJoin } from '../../call/call'
import { codes } from '../../call/errors'
import type { Call } from '../../call/types'
import { Texts, useFetchTexts, useText } from '../../i18n/react'
import { Button, ButtonLink } from '../../ui/Button'
import { Loading } from '../../ui/Page'
import { lazyPart } from '../../ui/part'
import { useCall } from '../conference/useCall'
import { FailurePage } from '../failure/FailurePage'
import { BrokenCall } from './BrokenCall'
import { EndedPage } from './EndedPage'
import { JoinPage } from './JoinPage'
import { NoGuestsPage } from './NoGuestsPage'
import { supportsCalls } from './support'

const loadConference = () => import('../conference/ConferencePage')
const ConferencePage = lazyPart(async () => (await loadConference()).ConferencePage)
const DamagedPage = lazyPart(async () => (await import('./DamagedPage')).DamagedPage)

/** Fetches the conference page and its texts ahead; where that fails, joining fetches them again and tells. */
function useFetchConference(): () => void {
  const fetchTexts = useFetchTexts('conference')
  return useCallback(() => {
    fetchTexts()
    loadConference().catch(() => undefined)
  }, [fetchTexts])
}

/** Everything behind a join link: the way in, the conference, the way out. The address stays the same. */
export function JoinRoute({ link }: { readonly link: string }) {
  const [round, setRound] = useState(0)
  if (!supportsCalls()) {
    return (
      <Shell>
        <FailurePage trouble={{ code: 'device.unsupported' }} />
      </Shell>
    )
  }
  return <Attempt key={`${link} ${round}`} link={link} onAgain={() => setRound(round + 1)} />
}

interface AttemptProps {
  readonly link: string
  readonly onAgain: () => void
}

/** One visit: a call lives from the join page to the end of the conference. */
function Attempt({ link, onAgain }: AttemptProps) {
  const [call, setCall] = useState<Call>()
  const fetchConference = useFetchConference()
  useEffect(() => {
    const made = createCall()
    setCall(made)
    if (rememberedJoin(link)?.joined) {
      void made.join({ link })
      fetchConference()
    }
    return () => made.dispose()
  }, [link, fetchConference])
  return call ? <Visit call={call} link={link} onAgain={onAgain} /> : null
}

function Visit({ call, link, onAgain }: AttemptProps & { readonly call: Call }) {
  const { phase } = useCall(call)
  const [returning] = useState(() => rememberedJoin(link)?.joined === true)
  switch (phase.kind) {
    case 'live':
    case 'reconnecting':
      return (
        <Boundary fallback={caught => <BrokenCall call={call} caught={caught} />}>
          <Suspense fallback={<Loading />}>
            <Texts chapter="conference">
              <ConferencePage call={call} address={`${location.origin}/join/${link}`} />
            </Texts>
          </Suspense>
        </Boundary>
      )
    case 'ended':
      return <EndedPage reason={phase.reason} onAgain={onAgain} />
    case 'failed':
      return <JoinFailure link={link} code={phase.error.code} error={phase.error} onAgain={onAgain} />
    case 'idle':
    case 'joining':
      return returning ? <Returning /> : <BeforeJoin call={call} link={link} onAgain={onAgain} />
  }
}

function Returning() {
  const t = useText()
  return (
    <main className="dark-stage fixed inset-0 grid place-content-center justify-items-center">
      <h1 className="font-semibold text-xl">{t('join.returning')}</h1>
      <Loading />
    </main>
  )
}

function BeforeJoin({ call, link, onAgain }: AttemptProps & { readonly call: Call }) {
  const load = useCallback(
    (): Promise<Preview> => dataOf(api.GET('/api/v1/join/{link}', { params: { path: { link } } })),
    [link],
  )
  const preview = useResource(load)
  const fetchConference = useFetchConference()
  if (preview.state === 'failed') {
    return <JoinFailure link={link} code={preview.trouble.code} error={preview.trouble} onAgain={onAgain} />
  }
  return (
    <Shell>
      {preview.state === 'ready' ? (
        <JoinPage call={call} link={link} preview={preview.data} onPainted={fetchConference} />
      ) : (
        <Loading />
      )}
    </Shell>
  )
}

interface JoinFailureProps extends AttemptProps {
  readonly code: string
  readonly error: { readonly code: string; readonly id?: string | undefined; readonly detail?: string | undefined }
}

/** Failures for which trying again the same thing is of no use. */
const final = new Set(['meeting.unknown', 'device.unsupported', 'participant.removed'])

function JoinFailure({ link, code, error, onAgain }: JoinFailureProps) {
  const t = useText()
  const signedOut = code === codes.signedOut
  useChangedSession(signedOut || code === networkDenied)
  if (code === 'meeting.no_guests') return <NoGuestsPage />
  if (code === 'journal.corrupt') {
    return (
      <Suspense fallback={<Loading />}>
        <Texts chapter="more">
          <DamagedPage link={link} trouble={error} onAgain={onAgain} />
        </Texts>
      </Suspense>
    )
  }
  return (
    <Shell>
      <FailurePage trouble={error}>
        <div className="flex flex-wrap gap-3">
          {signedOut && (
            <ButtonLink look="primary" href={signInAddress()}>
              {t('action.signIn')}
            </ButtonLink>
          )}
          {!signedOut && !final.has(code) && (
            <Button look="primary" onClick={onAgain}>
              {t('action.tryAgain')}
            </Button>
          )}
          <ButtonLink href="/">{t('action.toStart')}</ButtonLink>
        </div>
      </FailurePage>
    </Shell>
  )
}
