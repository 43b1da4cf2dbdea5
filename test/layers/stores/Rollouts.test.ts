import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Store from "../../../src/layers/stores/rollouts/Store.ts"
import { home } from "./Homes.ts"
import { suite } from "./suite.ts"

suite("Rollouts", Layer.unwrap(Effect.map(home, (home) => Store.layer({ home }))))
