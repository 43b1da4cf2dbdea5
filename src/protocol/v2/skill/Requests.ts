/**
 * Requests about skills.
 *
 * @module
 */
import { EmptyResult } from "../../Fields.ts"
import * as Method from "../../Method.ts"
import * as Skill from "./Skill.ts"

/** By method name. */
export const skillRequests = {
  "skills/list": Method.clientRequest({ params: Skill.SkillsListParams, result: Skill.SkillsListResponse }),
  "skills/extraRoots/set": Method.clientRequest({ params: Skill.SkillsExtraRootsSetParams, result: EmptyResult }),
  "skills/config/write": Method.clientRequest({
    params: Skill.SkillsConfigWriteParams,
    result: Skill.SkillsConfigWriteResponse
  })
} as const
