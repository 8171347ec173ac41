import type { Server } from 'node:net'

export type End = { readonly host: string; readonly port: number } | { readonly path: string }

export function relay(listen: End, target: End): Promise<Server>
