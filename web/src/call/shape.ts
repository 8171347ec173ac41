/**
 * Small strict validators for untrusted JSON: each takes a value and returns it typed, or throws.
 * An object with a field that is not known, or without one that is needed, is an error.
 */
export type Shape<T> = (value: unknown, path: string) => T

/** The value is not what the protocol says; the path leads to the place. */
export class ShapeError extends Error {}

const fail = (path: string, wanted: string): never => {
  throw new ShapeError(`${path || 'the frame'} is not ${wanted}`)
}

export const text: Shape<string> = (value, path) => (typeof value === 'string' ? value : fail(path, 'a text'))

export const flag: Shape<boolean> = (value, path) => (typeof value === 'boolean' ? value : fail(path, 'true or false'))

/** A whole number that JavaScript holds exactly, not negative. */
export const count: Shape<number> = (value, path) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : fail(path, 'a whole number')

/** An id as docs/protocol.md defines it. */
export const id: Shape<string> = (value, path) =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : fail(path, 'an id')

/** A path on this server: never another host, whatever the server says. */
export const localPath: Shape<string> = (value, path) =>
  typeof value === 'string' && /^\/[A-Za-z0-9_~.-][A-Za-z0-9_~./-]*$/.test(value) && !value.includes('..')
    ? value
    : fail(path, 'a path')

export const oneOf =
  <const V extends readonly string[]>(...values: V): Shape<V[number]> =>
  (value, path) =>
    values.includes(value as string) ? (value as V[number]) : fail(path, `one of ${values.join(', ')}`)

export const list =
  <T>(item: Shape<T>): Shape<readonly T[]> =>
  (value, path) =>
    Array.isArray(value)
      ? value.map((entry, index) => item(entry, `${path}/${index}`))
      : (fail(path, 'a list') as readonly T[])

/** A field that may be absent. */
export const optional = <T>(inner: Shape<T>): Shape<T | undefined> & { readonly optional: true } =>
  Object.assign((value: unknown, path: string) => inner(value, path), { optional: true } as const)

type Fields = Readonly<Record<string, Shape<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends { optional: true } ? K : never }[keyof F]
type Result<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: ReturnType<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: ReturnType<F[K]>
}

export const object =
  <F extends Fields>(fields: F): Shape<Result<F>> =>
  (value, path) => {
    const input = record(value, path)
    for (const key of Object.keys(input)) {
      if (!Object.hasOwn(fields, key)) fail(`${path}/${key}`, 'known')
    }
    const result: Record<string, unknown> = {}
    for (const [key, shape] of Object.entries(fields)) {
      if (Object.hasOwn(input, key)) result[key] = shape(input[key], `${path}/${key}`)
      else if (!('optional' in shape)) fail(`${path}/${key}`, 'there')
    }
    return result as Result<F>
  }

/** Any JSON object. */
export const record: Shape<Readonly<Record<string, unknown>>> = (value, path) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(path, 'an object')
