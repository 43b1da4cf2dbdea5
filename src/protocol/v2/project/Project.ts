/**
 * Projects: folders, and the threads that belong to them. Experimental.
 *
 * @module
 */
import * as Schema from "effect/Schema"
import { AbsolutePath, I64, named, nullable, optional, page, pageOf, UnixSeconds } from "../../Fields.ts"
import { lazy, type Of } from "../../Lazy.ts"

/** A folder of a project. */
export const ProjectRoot = lazy(() => Schema.Struct({ path: AbsolutePath }))
export type ProjectRoot = Of<typeof ProjectRoot>

/** `position` orders the projects. `recencyAt` is that of the newest thread, or null without one. */
export const Project = lazy(() =>
  Schema.Struct({
    id: Schema.String,
    name: Schema.String,
    roots: Schema.Array(ProjectRoot()),
    metadata: Schema.Record(Schema.String, Schema.String),
    position: I64,
    createdAt: UnixSeconds,
    updatedAt: UnixSeconds,
    recencyAt: nullable(UnixSeconds)
  })
)
export type Project = Of<typeof Project>

/** One project. */
export const ProjectResponse = lazy(() => Schema.Struct({ project: Project() }))
export type ProjectResponse = Of<typeof ProjectResponse>

/** Sorted by position by default. `sortDirection` needs a `sortKey`; its default is `asc` for positions, `desc` otherwise. */
export const ProjectListParams = lazy(() =>
  named("ProjectListParams", {
    ...page,
    sortKey: optional(Schema.Literals(["position", "recencyAt"])),
    sortDirection: optional(Schema.Literals(["asc", "desc"]))
  })
)
export type ProjectListParams = Of<typeof ProjectListParams>

export const ProjectListResponse = lazy(() => pageOf(Project()))
export type ProjectListResponse = Of<typeof ProjectListResponse>

export const ProjectReadParams = lazy(() => named("ProjectReadParams", { projectId: Schema.String }))
export type ProjectReadParams = Of<typeof ProjectReadParams>

const contents = () => ({
  name: Schema.String,
  roots: Schema.Array(ProjectRoot()),
  metadata: optional(Schema.Record(Schema.String, Schema.String)),
  idempotencyKey: Schema.String
})

/** A retry has the `idempotencyKey` of the first attempt. */
export const ProjectCreateParams = lazy(() => named("ProjectCreateParams", contents()))
export type ProjectCreateParams = Of<typeof ProjectCreateParams>

/** Like creating one, with the ids of threads that belong to it. */
export const ProjectImportParams = lazy(() =>
  named("ProjectImportParams", {
    ...contents(),
    threads: optional(Schema.Array(Schema.String))
  })
)
export type ProjectImportParams = Of<typeof ProjectImportParams>

/** Changes the members that are present. */
export const ProjectUpdateParams = lazy(() =>
  named("ProjectUpdateParams", {
    projectId: Schema.String,
    name: optional(Schema.String),
    roots: optional(Schema.Array(ProjectRoot())),
    metadata: optional(Schema.Record(Schema.String, Schema.String))
  })
)
export type ProjectUpdateParams = Of<typeof ProjectUpdateParams>

/** Without `beforeProjectId`, the project becomes the last one. */
export const ProjectMoveParams = lazy(() =>
  named("ProjectMoveParams", {
    projectId: Schema.String,
    beforeProjectId: optional(Schema.String)
  })
)
export type ProjectMoveParams = Of<typeof ProjectMoveParams>

export const ProjectDeleteParams = lazy(() => named("ProjectDeleteParams", { projectId: Schema.String }))
export type ProjectDeleteParams = Of<typeof ProjectDeleteParams>
