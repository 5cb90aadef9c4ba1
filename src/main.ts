#!/usr/bin/env -S node --max-semi-space-size=32
/** Process entry: one command in, one exit code out; a Refusal is one sentence without a stack. */
import { main } from './cli/main.ts'

// A pipe that closes early (`comity export | head`) ends the program without a word.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

process.exitCode = await main(process.argv, process.env)
if (process.argv[2] === 'serve') process.exit()
