import { readFileSync } from 'node:fs'

/** The smallest value that at least the share q of the values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(Math.ceil(q * sorted.length) - 1, 0)] ?? Number.NaN
}

/** One line: name, median, 95th percentile, range, target. */
export function printSpread(name: string, values: readonly number[], target: string): void {
  const figures = [0.5, 0.95, 0, 1].map(q => quantile(values, q).toFixed(0))
  const [p50, p95, least, most] = figures
  console.log(`${name}: p50 ${p50} ms, p95 ${p95} ms (${least}–${most} ms, n=${values.length}); target ${target}`)
}

/** Memory of a process in MiB: what belongs to it alone, and its share of everything. */
export function memoryOf(pid: number): { readonly own: number; readonly share: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kibibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return {
    own: (kibibytes('Private_Clean') + kibibytes('Private_Dirty')) / 1024,
    share: kibibytes('Pss') / 1024,
  }
}
