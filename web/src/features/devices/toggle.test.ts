import { expect, test } from 'vitest'
import { cameraToggle } from './toggle'

test.each([
  [{ kind: 'off' }, 'off', false],
  [{ kind: 'starting' }, 'on', false],
  [{ kind: 'on', deviceId: 'x' }, 'on', true],
  [{ kind: 'failed', error: { code: 'device.in_use' } }, 'failed', false],
] as const)('a device that is off is not one that failed: %j', (capture, tone, pressed) => {
  const toggle = cameraToggle(capture)
  expect(toggle.tone).toBe(tone)
  expect(toggle.pressed).toBe(pressed)
})
