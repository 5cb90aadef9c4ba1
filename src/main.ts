#!/usr/bin/env node
/** Process entry: one command in, one exit code out; a Refusal is one sentence without a stack. */
import { main } from './cli/main.ts'

process.exitCode = await main(process.argv, process.env)
if (process.argv[2] === 'serve') process.exit()
