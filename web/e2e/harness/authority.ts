import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']
const hour = 3_600_000

/** A CA of the test's own for `localhost`, whose certificates last as long as the test wants. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'konklave-authority-'))
  /** The files that a server is started with; `issue` puts what they hold there. */
  readonly certificate = join(this.#folder, 'server.pem')
  readonly key = join(this.#folder, 'server.key')
  /** Its own certificate (PEM), to be trusted. */
  readonly root = join(this.#folder, 'root.pem')

  constructor() {
    const rules = [
      '[ca]\ndefault_ca = own',
      `[own]\ndatabase = ${this.#folder}/index\nnew_certs_dir = ${this.#folder}\ndefault_md = sha256`,
      'policy = names\nrand_serial = yes\nunique_subject = no\nx509_extensions = server',
      '[names]\ncommonName = supplied',
      '[server]\nsubjectAltName = DNS:localhost\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth',
    ]
    writeFileSync(join(this.#folder, 'rules'), `${rules.join('\n')}\n`)
    writeFileSync(join(this.#folder, 'index'), '')
    this.#openssl(
      'req',
      '-x509',
      ...curve,
      '-subj',
      '/CN=Test',
      '-days',
      '2',
      '-keyout',
      'root.key',
      '-out',
      'root.pem',
    )
    this.#openssl('req', ...curve, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'request')
    chmodSync(this.#folder, 0o755) // the front, which is nobody in particular, reads the two files
    chmodSync(this.key, 0o644)
  }

  /** Puts a certificate into the file that ends, or has ended, so many hours from now; it began a day before. */
  issue(hours: number): void {
    const end = Date.now() + hours * hour
    const dates = ['-startdate', date(end - 24 * hour), '-enddate', date(end)]
    const signer = ['-cert', 'root.pem', '-keyfile', 'root.key', '-notext']
    this.#openssl('ca', '-batch', '-config', 'rules', ...signer, ...dates, '-in', 'request', '-out', 'next.pem')
    copyFileSync(join(this.#folder, 'next.pem'), this.certificate)
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

/** YYYYMMDDHHMMSSZ */
function date(time: number): string {
  return new Date(time).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
}
