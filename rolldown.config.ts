import { defineConfig } from "rolldown"

/** The program carries what it needs and loads the rest on demand; a start reads few and small files. */
const program = defineConfig({
  input: { main: "src/main.ts" },
  platform: "node",
  output: {
    dir: "dist",
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    cleanDir: true
  }
})

/** The library shares Effect with the program that embeds it: services are found by the identity of their keys. */
const library = defineConfig({
  input: { index: "src/index.ts", LanguageModelProvider: "src/layers/models/LanguageModelProvider.ts" },
  platform: "node",
  external: [/^effect(\/|$)/, /^@effect\//],
  output: { dir: "dist", format: "esm", entryFileNames: "[name].js", chunkFileNames: "lib/[name]-[hash].js" }
})

export default [program, library]
