/** A login role that may do no more than serve: what production gives to DATABASE_URL. */
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { asOwner } from './in-process.ts'

let made = 0

/** @returns the database's URL for a role that is a member of comity_app and nothing else; dropped at the end */
export async function weakLogin(t: Test, url: string): Promise<string> {
  const name = `comity_weak_${process.pid}_${++made}`
  const password = randomBytes(12).toString('hex')
  await asOwner(url, (client) =>
    client.query(`create role ${name} login password '${password}' in role comity_app`),
  )
  t.teardown(() => asOwner(url, (client) => client.query(`drop role if exists ${name}`)))
  const weak = new URL(url)
  weak.username = name
  weak.password = password
  return weak.toString()
}
