import * as Memory from "../../../src/layers/stores/Memory.ts"
import { suite } from "./suite.ts"

suite("Memory", Memory.layer)
