/**
 * `npm run package:install`: installs the tarball as users do, and needs the registry.
 *
 * In a new project, and in one that has the matching Effect, there is one copy of Effect, and the README's program and the
 * examples compile with every supported TypeScript and run. Beside another Effect, npm refuses. The command works with every
 * package manager, and installed globally.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run, succeed } from "./Processes.ts"
import { addPrograms, emptyFolder, isEndOfTurn, makeProject, pack, root, type Tarball } from "./Tarball.ts"

const typeScripts = ["5.9.3", "7.0.2"]
const pnpm = ["npm", "exec", "--yes", "--package=pnpm@12.21.0", "--", "pnpm"] as const
const yarn = ["npm", "exec", "--yes", "--package=@yarnpkg/cli-dist@4.18.1", "--", "yarn"] as const

const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Fails with a message that describes what was observed. */
const expect = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Error(otherwise)
}

const offline = ["exec", "--offline", "say: hello"] as const

const answers = (project: string, command: readonly [string, ...ReadonlyArray<string>]): void => {
  const { code, output, stdout } = run(project, [...command, ...offline])
  expect(code === 0 && stdout === "hello\n", `${command.join(" ")} exited with ${String(code)}:\n${output}`)
}

/** The folders of a project that have a copy of Effect. */
const copies = (project: string): ReadonlyArray<string> =>
  succeed(project, ["npm", "ls", "effect", "--all", "--parseable"])
    .split("\n")
    .filter((line) => /[/\\]effect$/.test(line))

/** Everything that a user of the library expects of a project that has it. */
const works = (project: string): void => {
  expect(copies(project).length === 1, `several copies of Effect:\n${copies(project).join("\n")}`)
  const compilers = typeScripts.map((version) => `typescript-${version}@npm:typescript@${version}`)
  succeed(project, ["npm", "install", "--save-dev", ...compilers])
  addPrograms(project)
  for (const version of typeScripts) {
    const types = run(project, ["node", `node_modules/typescript-${version}/bin/tsc`, "-p", "."])
    expect(types.code === 0, `TypeScript ${version}:\n${types.output}`)
  }
  const ran = run(project, ["node", "readme.ts"])
  expect(ran.code === 0 && isEndOfTurn(ran.stdout), `the README's program:\n${ran.output}`)
  answers(project, ["npx", "--no", "spindle"])
}

/** npm refuses to install the package beside these packages, and names the conflict. */
const refuses =
  (...others: ReadonlyArray<string>) =>
  (project: string, { path }: Tarball): void => {
    succeed(project, ["npm", "install", "--save-exact", ...others])
    const { code, output } = run(project, ["npm", "install", path])
    expect(
      code !== 0 && output.includes("ERESOLVE") && /^npm error peer (?:effect|@effect\/platform-node)@/m.test(output),
      `npm did not refuse:\n${output}`
    )
  }

const scenarios: Readonly<Record<string, (project: string, tarball: Tarball) => void>> = {
  "npm, a new project": (project, { path }) => {
    succeed(project, ["npm", "install", path])
    works(project)
  },
  "npm, beside the matching Effect": (project, { path }) => {
    succeed(project, [
      "npm",
      "install",
      ...["effect", "@effect/platform-node"].map((name) => `${name}@${devDependencies[name]}`)
    ])
    succeed(project, ["npm", "install", path])
    works(project)
  },
  "npm, beside an older Effect 4": refuses("effect@4.0.6", "@effect/platform-node@4.0.6"),
  "npm, beside Effect 4 without its platform": refuses("effect@4.0.6"),
  "npm, beside Effect 3": refuses("effect@3.19.0"),
  "npm, globally": (project, { path }) => {
    succeed(project, ["npm", "install", "--global", "--prefix", join(project, "global"), path])
    const [bin, suffix] = process.platform === "win32" ? ["global", ".cmd"] : ["global/bin", ""]
    answers(project, [join(project, bin, `spindle${suffix}`)])
  },
  "npx, without installing": (project, { path }) => {
    answers(project, ["npx", "--yes", `--package=${path}`, "spindle"])
  },
  "npm, without the peer dependencies": (project, { path }) => {
    succeed(project, ["npm", "install", "--legacy-peer-deps", path])
    answers(project, ["npx", "--no", "spindle"])
  },
  pnpm: (project, { path }) => {
    // pnpm fails when it does not run a dependency's install script, and koffi works without its own.
    succeed(project, [...pnpm, "add", "--ignore-scripts", path])
    answers(project, [...pnpm, "exec", "spindle"])
  },
  "pnpm, beside an older Effect 4": (project, { path }) => {
    const { output } = run(project, [...pnpm, "add", "effect@4.0.6", path])
    expect(output.includes("Issues with peer dependencies"), `pnpm does not warn:\n${output}`)
  },
  yarn: (project, { path }) => {
    succeed(project, ["node", "-e", "require('fs').writeFileSync('yarn.lock', '')"])
    const { code, output } = run(project, [...yarn, "add", `spindle-app-server@file:${path}`])
    expect(
      code === 0 && output.includes("doesn't provide effect"),
      `yarn does not name the peer dependency:\n${output}`
    )
    answers(project, [...yarn, "run", "spindle"])
  }
}

// Outside of this repository, whose node_modules would otherwise be found.
const folder = mkdtempSync(join(tmpdir(), "spindle-install-"))
try {
  const tarball = pack(folder)
  for (const [title, scenario] of Object.entries(scenarios)) {
    const project = emptyFolder(join(folder, title.replaceAll(/\W+/g, "-")))
    makeProject(project)
    const start = performance.now()
    try {
      scenario(project, tarball)
      process.stdout.write(`ok      ${title} (${Math.round(performance.now() - start)} ms)\n`)
    } catch (error) {
      process.stdout.write(`failed  ${title}\n${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
