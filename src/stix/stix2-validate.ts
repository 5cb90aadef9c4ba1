#!/usr/bin/env node
/** Entry point of the command `stix2-validate`. */
import { main } from './cli.ts'

process.exitCode = await main(process.argv.slice(2))
