/** The log: readable on a terminal, JSON otherwise; never a header, a secret or an object's content. */
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export function createLog(level: string): Logger {
  if (!process.stdout.isTTY) return pino({ level })
  return pino(
    { level },
    pretty({ colorize: true, ignore: 'pid,hostname,reqId', translateTime: 'SYS:HH:MM:ss' }),
  )
}
