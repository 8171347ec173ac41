/** A part of the client did not come: the line is gone, or the server was upgraded and has the part under another name. */
export class MissingPart extends Error {}

/** Milliseconds before a part that did not come is asked for once more. */
export const secondTry = 1_000

/** Fetches a part of the client, twice if need be. Throws a MissingPart. */
export async function fetchPart<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    await new Promise(resolve => setTimeout(resolve, secondTry))
  }
  try {
    return await load()
  } catch (cause) {
    throw new MissingPart('a part of the client did not come', { cause })
  }
}
