/**
 * A program that lists the descriptors of a sandboxed command. Its argument is the name of the sandbox.
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import { Names } from "../../../src/layers/sandboxes/Adapters.ts"
import { folders, sh } from "./Attempt.ts"

const name = Names.find((name) => name === process.argv[2]) ?? Names[0]

const listed = Effect.flatMap(folders, (at) => sh(name, at, 'for f in /proc/self/fd/*; do readlink "$f"; done'))

process.stdout.write((await Effect.runPromise(Effect.scoped(listed))).output)
