/**
 * Attempts to leave a sandbox, over every sandbox of this machine. Each must fail, and the harmless part of it must work, so
 * that it did run.
 */
import { spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync, readdirSync, statSync } from "node:fs"
import { createServer, type Server } from "node:net"
import { join } from "node:path"
import process from "node:process"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Names } from "../../../src/layers/sandboxes/Adapters.ts"
import { type Folders, folders, has, obstacle, readOnly, run, sh, workspaceWrite } from "./Attempt.ts"
import { natives } from "./Natives.ts"

const obstacles = new Map(await Promise.all(Names.map(async (name) => [name, await obstacle(name)] as const)))

/** The text of the file that no attempt may change. */
const outsideText = ({ outside }: Folders): string => readFileSync(join(outside, "file"), "utf8")

/** Shell scripts that attempt to change `../outside`, or to create a file in it. */
const writes: Readonly<Record<string, string>> = {
  "by its path": 'echo x > "$OUT/file"; touch "$OUT/new"; rm -f "$OUT/file"; mv "$OUT/file" .',
  "by a path with ..": "echo x > ../outside/file; touch ../outside/new",
  "through a symbolic link to a file": 'ln -s "$OUT/file" link; echo x > link',
  "through a symbolic link to a folder": 'ln -s "$OUT" folder; touch folder/new; rm folder/file',
  "through a hard link": 'ln "$OUT/file" hard && echo x > hard; cp -l "$OUT/file" hard2 && echo x > hard2',
  "through /proc/self/root": 'echo x > "/proc/self/root$OUT/file"; touch "/proc/self/root$OUT/new"',
  "through /proc/self/cwd": "echo x > /proc/self/cwd/../outside/file",
  "through the root of another process":
    'for p in /proc/[0-9]*; do echo x > "$p/root$OUT/file"; touch "$p/root$OUT/new"; done',
  "through the descriptors of another process":
    'for f in /proc/$SERVER/fd/* /proc/1/fd/* /proc/$PPID/fd/*; do [ "$f" -ef "$OUT/file" ] && echo x > "$f"; done',
  "by truncating it": 'truncate -s 0 "$OUT/file"; true > "$OUT/file"',
  "by its mode, owner and time": 'chmod 0 "$OUT/file"; chown 1 "$OUT/file"; touch -t 200001010000 "$OUT/file"',
  "through a descriptor that is open for reading": 'exec 9< "$OUT/file"; echo x > /proc/self/fd/9',
  "in the background": '(sleep 0.1; echo x > "$OUT/file") & wait',
  "in its own session": 'setsid -w sh -c "echo x > \\"$OUT/file\\""',
  "with a mount": 'mount --bind . "$OUT"; mount -o remount,rw /; mount -t tmpfs none "$OUT"; umount -l "$OUT"',
  "in new namespaces":
    'unshare -Urm sh -c "mount -o remount,rw,bind /; mount --bind . \\"$OUT\\"; echo x > \\"$OUT/file\\""',
  "in a new root":
    'unshare -Ur chroot .. /outside/nothing; mkdir -p r; unshare -Urm sh -c "mount --rbind / r; echo x > \\"r$OUT/file\\""'
}

/** Scripts that attempt to change what git and agents read in the writable folder. */
const protectedWrites: Readonly<Record<string, string>> = {
  "a hook of git": "echo x > .git/hooks/pre-commit",
  "the configuration of git": "echo x > .git/config; git config core.fsmonitor x",
  "the name of .git": "mv .git other; rm -rf .git; ln -sfn /tmp .git; mkdir -p new && mv -T new .git",
  "a link to a hook": "ln -s .git/hooks/new link; echo x > link; ln .git/config hard && echo x > hard",
  ".git through another path":
    'echo x > ../work/.git/config; echo x > "/proc/self/cwd/.git/config"; cd .git && echo x > config',
  "a configuration that does not exist": "mkdir .codex; echo x > .codex/config.toml; echo x > .codex",
  "a configuration that is moved there": "mkdir new; echo x > new/config.toml; mv -T new .codex; ln -s new .codex",
  "instructions that do not exist": "mkdir -p .agents/skills/x; echo x > .agents/skills/x/SKILL.md"
}

const protectedState = ({ work }: Folders) => ({
  hooks: readdirSync(join(work, ".git/hooks")),
  config: readFileSync(join(work, ".git/config"), "utf8"),
  git: statSync(join(work, ".git")).isDirectory(),
  codex: existsSync(join(work, ".codex")),
  agents: existsSync(join(work, ".agents"))
})

const listening = (server: Server, ...at: [object]) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      server.once("listening", () => resume(Effect.succeed(server))).listen(...at)
    }),
    () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )

/** A server that counts its connections. */
const counting = (at: object) =>
  Effect.gen(function* () {
    let count = 0
    const server = yield* listening(
      createServer((socket) => {
        count += 1
        socket.end("secret")
      }),
      at
    )
    return { server, count: () => count }
  })

for (const name of Names) {
  const why = obstacles.get(name)
  describe.skipIf(why !== undefined)(
    `${name}${why === undefined ? "" : ` (skipped: ${why})`}`,
    { timeout: 60_000 },
    () => {
      it.live.each(Object.entries(writes))("does not change a file outside %s", ([, script]) =>
        Effect.gen(function* () {
          const at = yield* folders
          const before = statSync(join(at.outside, "file"))
          const { output } = yield* sh(name, at, `${script}\ntouch ran; echo ran`, {
            env: { OUT: at.outside, SERVER: String(process.pid) }
          })
          assert.match(output, /^ran$/m)
          assert.isTrue(existsSync(join(at.work, "ran")))
          assert.deepStrictEqual(readdirSync(at.outside), ["file"])
          assert.strictEqual(outsideText(at), "kept")
          const after = statSync(join(at.outside, "file"))
          assert.deepStrictEqual([after.mode, after.uid, after.mtimeMs], [before.mode, before.uid, before.mtimeMs])
        })
      )

      it.live.each(Object.entries(protectedWrites))("does not change %s", ([, script]) =>
        Effect.gen(function* () {
          const at = yield* folders
          const before = protectedState(at)
          const { output } = yield* sh(name, at, `${script}\ncd "$WORK"; touch ran; echo ran`, {
            env: { WORK: at.work }
          })
          assert.match(output, /^ran$/m)
          assert.isTrue(existsSync(join(at.work, "ran")))
          assert.deepStrictEqual(protectedState(at), before)
        })
      )

      it.live("does what the policy permits", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const script =
            "mkdir -p a/b && echo text > a/b/c && mv a/b/c d && chmod 700 d && ln -s d e && rm -r a && cat d e && touch -d @0 d && " +
            "mkdir -p n/.git && echo nested > n/.git/config && cat .git/config && echo x > /dev/null && sh -c 'exit 7'"
          assert.deepStrictEqual(yield* sh(name, at, script), { status: 7, output: "text\ntext\nkept" })
          assert.deepStrictEqual(readdirSync(at.work).sort(), [".git", "d", "e", "n"])
        })
      )

      it.live("writes nothing under a read-only policy", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const script =
            'touch new; echo x > .git/config; touch "$OUT/new"; touch /tmp/new-$$ && echo wrote; cat .git/config'
          const { output } = yield* sh(name, at, script, { policy: readOnly, env: { OUT: at.outside } })
          assert.match(output, /^kept/)
          assert.notMatch(output, /wrote/)
          assert.deepStrictEqual(readdirSync(at.work), [".git"])
        })
      )

      it.live("excludes /tmp, TMPDIR and shared memory when the policy does", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const file = `spindle-escape-${process.pid}`
          const script = `touch /tmp/${file} && echo tmp; touch "$TMPDIR/${file}" && echo tmpdir; touch /dev/shm/${file}; echo ran`
          const { output } = yield* sh(name, at, script, { env: { TMPDIR: at.outside } })
          assert.match(output, /^ran$/m)
          assert.notMatch(output, /^tmp/m)
          assert.deepStrictEqual(
            [`/tmp/${file}`, join(at.outside, file), `/dev/shm/${file}`].filter((path) => existsSync(path)),
            []
          )
        })
      )

      it.live("does not use the folder that a command chooses as a writable one", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const { output } = yield* sh(name, at, 'cd "$OUT" && touch new; echo ran', { env: { OUT: at.outside } })
          assert.match(output, /^ran$/m)
          assert.deepStrictEqual(readdirSync(at.outside), ["file"])
        })
      )

      it.live("hides the server's environment and does not let its process be signalled", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const script =
            'for f in /proc/[0-9]*/environ; do tr "\\0" "\\n" < "$f"; done 2>/dev/null | grep -c "^SPINDLE_TEST_SECRET="\n' +
            "kill -0 $SERVER 2>/dev/null && [ -d /proc/$SERVER/task ] && [ $$ -gt 50 ] && echo signalled; kill -9 -1 2>/dev/null; echo ran"
          process.env["SPINDLE_TEST_SECRET"] = "1"
          const { output } = yield* sh(name, at, script, { env: { SERVER: String(process.pid) } })
          delete process.env["SPINDLE_TEST_SECRET"]
          assert.match(output, /^0$/m)
          assert.notMatch(output, /signalled/)
        })
      )

      it.live("does not reach the network, also not over IPv6, nor sockets of the machine", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const tcp = yield* counting({ port: 0, host: "127.0.0.1" })
          const path = yield* counting({ path: join(at.outside, "docker.sock") })
          const abstract = yield* counting({ path: `\0spindle-escape-${process.pid}` })
          const address = tcp.server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const script = `
          const net = require("node:net"), dgram = require("node:dgram"), dns = require("node:dns")
          const targets = [[${port}, "127.0.0.1"], [${port}, "::1"], [53, "9.9.9.9"], ["${join(at.outside, "docker.sock")}"], ["\\0spindle-escape-${process.pid}"]]
          const codes = []
          const done = (name, code) => { codes.push(name + " " + code); if (codes.length === targets.length + 3) console.log(codes.sort().join("\\n")) }
          for (const target of targets) {
            const socket = net.connect(...target)
            socket.on("connect", () => done(target.at(-1), "CONNECTED")).on("error", (error) => done(target.at(-1), "refused"))
          }
          const udp = dgram.createSocket("udp4").on("error", () => done("udp", "refused"))
          udp.send("x", ${port}, "127.0.0.1", (error) => done("udp", error ? "refused" : "SENT"))
          dns.resolve4("example.com", (error) => done("dns", error ? "refused" : "RESOLVED"))
          net.createServer().on("error", () => done("listen", "refused")).listen(0, () => done("listen", "LISTENING"))
        `
          const { output } = yield* run(name, at, { args: [process.execPath, "-e", script] })
          const names = ["127.0.0.1", "9.9.9.9", "::1", "dns", join(at.outside, "docker.sock"), "listen", "udp"]
          const expected = [...names, `\0spindle-escape-${process.pid}`].map((target) => `${target} refused`).sort()
          assert.deepStrictEqual(output.trimEnd().split("\n"), expected)
          assert.deepStrictEqual([tcp.count(), path.count(), abstract.count()], [0, 0, 0])
        })
      )

      it.live("reaches the network when the policy permits it", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const tcp = yield* counting({ port: 0, host: "127.0.0.1" })
          const address = tcp.server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          const script = `require("node:net").connect(${port}, "127.0.0.1").pipe(process.stdout)`
          const policy = { ...workspaceWrite, networkAccess: true }
          assert.deepStrictEqual(yield* run(name, at, { policy, args: [process.execPath, "-e", script] }), {
            status: 0,
            output: "secret"
          })
        })
      )

      it.live("does not get descriptors that the server inherited", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const listed = yield* Effect.acquireUseRelease(
            Effect.sync(() => openSync(at.outside, "r")),
            (descriptor) =>
              Effect.promise(() => {
                const script = fileURLToPath(new URL("ListDescriptors.ts", import.meta.url))
                const args = ["--conditions=spindle-source", script, name]
                // Node itself keeps low ones from its children.
                const none = Array.from({ length: 40 }, () => "ignore" as const)
                const stdio = ["ignore", "pipe", "inherit", ...none, descriptor] as const
                const child = spawn(process.execPath, args, { stdio: [...stdio] })
                return child.stdout === null ? Promise.resolve("") : text(child.stdout)
              }),
            (descriptor) => Effect.sync(() => closeSync(descriptor))
          )
          assert.match(listed, /^\/proc\/\d+\/fd|socket:/m)
          assert.notInclude(listed, at.outside)
        })
      )

      it.live("ends processes of the background with the command", () =>
        Effect.gen(function* () {
          const at = yield* folders
          const { output } = yield* sh(
            name,
            at,
            '(setsid sh -c "echo started; exec sleep 0.2" & ) ; echo "$CODEX_SANDBOX_NETWORK_DISABLED"'
          )
          assert.match(output, /^1$/m)
        })
      )

      it.live.skipIf(!has("python3"))(
        `refuses system calls that pass a sandbox${has("python3") ? "" : " (skipped: python3 is not installed)"}`,
        () =>
          Effect.gen(function* () {
            const at = yield* folders
            const args = ["python3", "-c", natives, String(process.pid), at.outside] as const
            const { output } = yield* run(name, at, { args })
            assert.deepStrictEqual(output.trimEnd().split("\n"), ["ran"])
            assert.strictEqual(outsideText(at), "kept")
          })
      )
    }
  )
}
