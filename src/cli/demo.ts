/** Placeholder until the demo lands in this commit series. */
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Exchange } from '../taxii/exchange.ts'

export async function loadDemo(_e: Exchange, _c: Config, _url: string, _log: Logger): Promise<void> {}
export function printDemo(_config: Config, _base: string): void {}
