/**
 * `npm run package:check`: packs the package and checks the tarball, without a network.
 *
 * It has the expected files and sizes; its JavaScript imports only the peer and the optional dependencies, and the program only the latter;
 * publint and "Are the types wrong?" find nothing; and the README's program and the examples compile and run with it.
 * `Install.ts` checks what a package manager does with it.
 *
 * @module
 */
import { mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parseSync } from "rolldown/utils"
import { run, succeed } from "./Processes.ts"
import { addPrograms, emptyFolder, isEndOfTurn, makeProject, pack, root, type Tarball } from "./Tarball.ts"

/** Limits of the tarball in bytes: its size when this was written, and a tenth more. Half of it is types. */
const budget = { size: 2_200_000, unpackedSize: 10_000_000 }

const expected = /^(?:(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)|(?:dist|docs|examples)\/.+)$/
const unexpected = /\.map$|\.test\.|(?:^|\/)(?:src|test|bench|node_modules)\//

/** Files without which the package is of no use. */
const required = [
  "dist/main.js",
  "dist/index.js",
  "dist/types/index.d.ts",
  "dist/THIRD-PARTY-LICENSES.txt",
  "docs/security.md",
  "examples/embed.ts"
]

const contents = ({ files, size, unpackedSize }: Tarball): ReadonlyArray<string> => {
  const paths = files.map(({ path }) => path)
  return [
    ...paths.filter((path) => !expected.test(path) || unexpected.test(path)).map((path) => `${path} is not for users`),
    ...required.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
    ...(size > budget.size ? [`${size} bytes packed; the limit is ${budget.size}`] : []),
    ...(unpackedSize > budget.unpackedSize
      ? [`${unpackedSize} bytes unpacked; the limit is ${budget.unpackedSize}`]
      : [])
  ]
}

/** The modules that a JavaScript file imports, also on demand. */
const importsOf = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(file, "utf8")
  const { dynamicImports, staticExports, staticImports } = parseSync(file, text).module
  const literal = dynamicImports.flatMap(
    ({ moduleRequest: { end, start } }) => /^["'`](.*)["'`]$/.exec(text.slice(start, end))?.[1] ?? []
  )
  const exported = staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? []))
  return [...staticImports.map((statement) => statement.moduleRequest.value), ...exported, ...literal]
}

/** Every package that a file and the files that it imports need at run time. */
const packagesOf = (entry: string): ReadonlySet<string> => {
  const [files, packages] = [new Set<string>(), new Set<string>()]
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier))
      else if (!specifier.startsWith("node:")) packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier)
    }
  }
  visit(entry)
  return packages
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const imports = (folder: string): ReadonlyArray<string> => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const entries = Object.values(manifest.exports).flatMap((entry) => (typeof entry === "string" ? [] : [entry.default]))
  const problems = (entry: string, allowed: ReadonlyArray<string>): ReadonlyArray<string> =>
    Array.from(packagesOf(join(folder, entry)))
      .filter((name) => !allowed.includes(name))
      .map((name) => `${entry} imports ${name}, which is not installed with it`)
  const optional = Object.keys(manifest.optionalDependencies)
  const all = [...optional, ...Object.keys(manifest.peerDependencies)]
  return [...problems("dist/main.js", optional), ...entries.flatMap((entry) => problems(entry, all))]
}

const linters = ({ path }: Tarball): ReadonlyArray<string> =>
  [
    ["publint", "run", path, "--strict"] as const,
    ["attw", path, "--profile", "esm-only", "--no-emoji", "--no-color"] as const
  ].flatMap((command) => {
    const { code, output } = run(root, command)
    return code === 0 ? [] : [`${command[0]}:\n${output}`]
  })

/** The programs find the peer dependencies in this repository, as in a project that has installed them. */
const programs = (project: string): ReadonlyArray<string> => {
  addPrograms(project)
  const types = run(project, ["tsc", "-p", "."])
  if (types.code !== 0) return [`the programs do not compile:\n${types.output}`]
  const ran = run(project, ["node", "readme.ts"])
  const answer = run(project, [
    "node",
    "node_modules/spindle-app-server/dist/main.js",
    "exec",
    "--offline",
    "say: hello"
  ])
  return [
    ...(ran.code === 0 && isEndOfTurn(ran.stdout) ? [] : [`the README's program does not run a turn:\n${ran.output}`]),
    ...(answer.code === 0 && answer.stdout === "hello\n" ? [] : [`spindle exec does not work:\n${answer.output}`])
  ]
}

const scratch = emptyFolder(join(root, ".scratch/package"))
const tarball = pack(scratch)
makeProject(scratch)
const installed = join(scratch, "node_modules/spindle-app-server")
mkdirSync(installed, { recursive: true })
succeed(scratch, ["tar", "-xzf", tarball.path, "-C", installed, "--strip-components=1"])

const problems = [...contents(tarball), ...imports(installed), ...linters(tarball), ...programs(scratch)]
const kB = (bytes: number): string => `${Math.round(bytes / 1000)} kB`
process.stdout.write(
  problems.length === 0
    ? `${tarball.files.length} files, ${kB(tarball.size)} packed, ${kB(tarball.unpackedSize)} unpacked: no problems\n`
    : `${problems.join("\n")}\n`
)
process.exitCode = problems.length === 0 ? 0 : 1
