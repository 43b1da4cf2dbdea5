/**
 * Every case of the comparison, by what it varies.
 *
 * @module
 */
import type { Case } from "./Case.ts"
import { cases as called } from "./cases/Arguments.ts"
import { cases as commandLines } from "./cases/CommandLines.ts"
import { cases as environments } from "./cases/Environment.ts"
import { cases as flagged } from "./cases/Flagged.ts"
import { cases as projects } from "./cases/Projects.ts"
import { cases as requirements } from "./cases/Requirements.ts"
import { cases as rules } from "./cases/Rules.ts"
import { cases as sandboxes } from "./cases/Sandboxes.ts"
import { cases as settings } from "./cases/Settings.ts"

export const cases: ReadonlyArray<Case> = [
  ...settings,
  ...sandboxes,
  ...commandLines,
  ...flagged,
  ...called,
  ...rules,
  ...projects,
  ...requirements,
  ...environments
]
