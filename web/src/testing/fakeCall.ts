import { createEmitter, createStore } from '../call/store'
import type { Call, CallSnapshot, Notice, Participant } from '../call/types'

/** A participant with everything off, to be changed by a test. */
export function participant(id: string, patch: Partial<Participant> = {}): Participant {
  return {
    id,
    name: id,
    kind: 'account',
    role: 'participant',
    joinedAt: '2026-01-01T10:00:00.000Z',
    connected: true,
    isSelf: false,
    microphone: false,
    camera: false,
    screen: false,
    speaking: false,
    quality: 'excellent',
    ...patch,
  }
}

const snapshot: CallSnapshot = {
  phase: { kind: 'live' },
  conference: { id: 'c1', title: 'Council', startedAt: '2026-01-01T10:00:00.000Z' },
  self: 'anna',
  participants: [participant('anna', { name: 'Anna', role: 'host', isSelf: true })],
  chat: [],
  microphone: { kind: 'off' },
  camera: { kind: 'off' },
  screen: { kind: 'off' },
  devices: {
    microphones: [],
    cameras: [],
    speakers: [],
    selected: { microphone: undefined, camera: undefined, speaker: undefined },
  },
  audioOnly: false,
  soundBlocked: false,
}

/** A call for tests of the user interface: shows what it is told and writes down what it is asked. */
export interface FakeCall extends Call {
  /** The verbs that were used, as "name argument…". */
  readonly asked: readonly string[]
  readonly show: (patch: Partial<CallSnapshot>) => void
  readonly tell: (notice: Notice) => void
}

export function fakeCall(patch: Partial<CallSnapshot> = {}): FakeCall {
  const store = createStore<CallSnapshot>({ ...snapshot, ...patch })
  const notices = createEmitter<Notice>()
  const asked: string[] = []
  const note =
    (name: string) =>
    (...values: readonly unknown[]) => {
      asked.push([name, ...values.map(value => JSON.stringify(value))].join(' '))
    }
  const noteLater = (name: string) => {
    const write = note(name)
    return async (...values: readonly unknown[]) => write(...values)
  }
  return {
    asked,
    show: store.set,
    tell: notices.emit,
    getSnapshot: store.get,
    subscribe: store.subscribe,
    onNotice: notices.on,
    join: noteLater('join'),
    leave: noteLater('leave'),
    endForAll: noteLater('endForAll'),
    setMicrophone: noteLater('setMicrophone'),
    setCamera: noteLater('setCamera'),
    shareScreen: noteLater('shareScreen'),
    stopScreen: noteLater('stopScreen'),
    selectDevice: noteLater('selectDevice'),
    refreshDevices: noteLater('refreshDevices'),
    setAudioOnly: note('setAudioOnly'),
    startSound: noteLater('startSound'),
    sendChat: note('sendChat'),
    retryChat: note('retryChat'),
    attachVideo: () => () => undefined,
    level: () => 0.5,
    warmUp: note('warmUp'),
    dispose: note('dispose'),
  }
}
