import { KeyRound } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'
import type { FactorWanted } from '../../api/client'
import { showPasskey } from '../../api/passkey'
import { type Action, useAction } from '../../api/resource'
import { useText } from '../../i18n/react'
import { Button } from '../../ui/Button'
import { TextField } from '../../ui/Field'
import { PasswordField } from '../../ui/PasswordField'
import { Problem } from '../../ui/Problem'

/** What proves who somebody is; one field is there. */
export interface FactorProof {
  readonly code?: string
  readonly recoveryCode?: string
  readonly passkey?: string
  readonly password?: string
}

interface SecondFactorProps {
  readonly wanted: FactorWanted
  /** What the button says. */
  readonly label: string
  /** Sends the proof. Throws an ApiError. */
  readonly prove: (proof: FactorProof) => Promise<unknown>
  readonly onProved: () => Promise<void>
}

type Typed = 'code' | 'recoveryCode' | 'password'

const fields = { totp: 'code', recovery_code: 'recoveryCode', password: 'password' } as const

/** Asks for one of the proofs that are wanted: what is quickest first, the others behind a button. */
export function SecondFactor({ wanted, label, prove, onProved }: SecondFactorProps) {
  const t = useText()
  const proving = useAction()
  const ways = wanted.kinds.flatMap<Typed>(kind => (kind === 'passkey' ? [] : [fields[kind]]))
  const { passkey } = wanted
  const [way, setWay] = useState<Typed | undefined>(passkey && ways[0] === 'recoveryCode' ? undefined : ways[0])
  const show = async (options: string) => {
    const done = await proving.run(async () => prove({ passkey: await showPasskey(options) }))
    if (done) await onProved()
  }
  const other = ways.find(each => each !== way)
  return (
    <div className="grid gap-5">
      {proving.trouble && <Problem trouble={proving.trouble} />}
      {passkey && (
        <Button
          look={way ? 'secondary' : 'primary'}
          size="large"
          busy={proving.busy}
          data-autofocus
          onClick={() => void show(passkey)}
        >
          <KeyRound aria-hidden="true" className="size-5 shrink-0" />
          {t('factor.usePasskey')}
        </Button>
      )}
      {way && <TypedProof key={way} way={way} label={label} proving={proving} prove={prove} onProved={onProved} />}
      {other && (
        <Button look="quiet" onClick={() => setWay(other)}>
          {t(other === 'recoveryCode' ? 'factor.useRecoveryCode' : 'factor.useCode')}
        </Button>
      )}
    </div>
  )
}

interface TypedProofProps extends Omit<SecondFactorProps, 'wanted'> {
  readonly way: Typed
  readonly proving: Action
}

function TypedProof({ way, label, proving, prove, onProved }: TypedProofProps) {
  const t = useText()
  const form = useRef<HTMLFormElement>(null)
  const [text, setText] = useState('')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (proving.busy) return
    if (await proving.run(() => prove({ [way]: way === 'password' ? text : text.trim() }))) await onProved()
    else form.current?.querySelector('input')?.select()
  }
  const field = { autoFocus: true, required: true, value: text } as const
  return (
    <form ref={form} onSubmit={submit} noValidate className="grid gap-5">
      {way === 'code' && (
        <TextField
          {...field}
          label={t('factor.code')}
          hint={t('factor.codeHint')}
          inputMode="numeric"
          autoComplete="one-time-code"
          onChange={event => setText(event.currentTarget.value)}
        />
      )}
      {way === 'recoveryCode' && (
        <TextField
          {...field}
          label={t('factor.recoveryCode')}
          hint={t('factor.recoveryCodeHint')}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={event => setText(event.currentTarget.value)}
        />
      )}
      {way === 'password' && (
        <PasswordField
          {...field}
          label={t('entry.password')}
          autoComplete="current-password"
          onChange={event => setText(event.currentTarget.value)}
        />
      )}
      <Button type="submit" look="primary" size="large" busy={proving.busy}>
        {label}
      </Button>
    </form>
  )
}
