import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { isFixedSearchPath, namedShell } from "../../../../src/layers/tools/shell/UserShell.ts"
import { directory } from "../TestShell.ts"

describe("the shell that a model requests", () => {
  it.effect("is never a file that the model names", () =>
    Effect.map(directory, (folder) => {
      const put = (name: string): string => {
        const path = Path.join(folder, name)
        Fs.writeFileSync(path, "#!/bin/sh\n", { mode: 0o755 })
        return path
      }
      const planted = ["evil", "bash", "zsh", "sh", "fish", "bash.exe", "python3"].map(put)
      const names = [
        ...planted,
        "evil",
        "./bash",
        "../bash",
        "",
        " ",
        "/",
        "bash ",
        "bash\0x",
        "zsh",
        "/bin/../tmp/evil"
      ]
      const found = names.map((name) => namedShell(name, "/bin/bash"))
      assert.deepStrictEqual(
        found.filter((path) => !/^\/(?:usr\/)?(?:local\/)?bin\/(?:bash|zsh|sh)$/.test(path)),
        []
      )
    })
  )

  it("is the thread's if it has this kind, else the system's", () => {
    assert.deepStrictEqual(
      ["bash", "/tmp/x/bash", "bash.exe", "sh", "fish", "dash", "python3"].map((name) =>
        namedShell(name, "/opt/my/bash")
      ),
      ["/opt/my/bash", "/opt/my/bash", "/opt/my/bash", "/bin/sh", "/bin/sh", "/bin/sh", "/bin/sh"]
    )
  })

  it("detects search paths that depend on the working folder", () => {
    assert.deepStrictEqual(
      ["/bin:/usr/bin", "/bin:.:/usr/bin", ":/bin", "/bin:", "node_modules/.bin:/bin", "", undefined].map(
        isFixedSearchPath
      ),
      [true, false, false, false, false, false, false]
    )
  })
})
