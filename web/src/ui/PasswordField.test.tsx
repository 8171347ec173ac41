import { cleanup, fireEvent, screen } from '@testing-library/react'
import { afterEach, expect, test } from 'vitest'
import { show } from '../testing/render'
import { PasswordField } from './PasswordField'

afterEach(cleanup)

function open() {
  show(
    <form onSubmit={event => event.preventDefault()}>
      <PasswordField label="Password" error="Too short." defaultValue="secret" />
    </form>,
  )
  return screen.getByLabelText<HTMLInputElement>('Password')
}

const said = () => screen.getAllByRole('status').map(each => each.textContent)

test('what is typed is hidden, until somebody wants to see it; that is said', () => {
  const field = open()
  expect(field.type).toBe('password')
  expect(said()).not.toContain('The password is hidden.')
  fireEvent.click(screen.getByRole('button', { name: 'Show characters', description: 'Password' }))
  expect(field.type).toBe('text')
  expect(field.value).toBe('secret')
  expect(said()).toContain('The password is visible.')
  fireEvent.click(screen.getByRole('button', { name: 'Hide characters' }))
  expect(field.type).toBe('password')
  expect(said()).toContain('The password is hidden.')
})

test('what is sent is hidden again', () => {
  const field = open()
  fireEvent.click(screen.getByRole('button', { name: 'Show characters' }))
  fireEvent.submit(field)
  expect(field.type).toBe('password')
})

test('the switch is no way to send the form, and the field keeps its reason', () => {
  const field = open()
  expect(screen.getByRole<HTMLButtonElement>('button').type).toBe('button')
  expect(document.getElementById(field.getAttribute('aria-describedby') ?? '')?.textContent).toBe('Too short.')
})
