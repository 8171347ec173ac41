/** Asks whoever sits here to prove once more who it is; true when that was done. */
export type Prover = () => Promise<boolean>

/** What a request needs of the browser. */
export type Send = (request: Request) => Promise<Response>

/**
 * Repeats a request that the server wants a proof for, once somebody has given it. Requests that wait at the same time wait for
 * one proof.
 */
export class Proof {
  #prover: Prover | undefined
  #asked: Promise<boolean> | undefined

  /** From now on this one asks; the returned function ends that. */
  askWith(prover: Prover): () => void {
    this.#prover = prover
    return () => {
      if (this.#prover === prover) this.#prover = undefined
    }
  }

  /** Sends a request; when nobody gives the proof, the answer is the refusal. */
  async send(request: Request, send: Send): Promise<Response> {
    const again = request.clone()
    const response = await send(request)
    if (!(await wantsProof(response)) || !(await this.#ask())) return response
    return send(again)
  }

  async #ask(): Promise<boolean> {
    if (!this.#prover) return false
    this.#asked ??= this.#prover().finally(() => {
      this.#asked = undefined
    })
    return this.#asked
  }
}

async function wantsProof(response: Response): Promise<boolean> {
  if (response.status !== 403) return false
  try {
    const problem: unknown = await response.clone().json()
    return (problem as { code?: unknown } | null)?.code === 'session.proof_required'
  } catch {
    return false
  }
}
