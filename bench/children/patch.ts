/**
 * A file of 20 000 lines, and a patch that changes every twentieth.
 */

/** The lines of the file. */
export const patchedLines: ReadonlyArray<string> = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`)

const isChanged = (index: number): boolean => index % 20 === 10

/** The lines after the patch. */
export const changedLines: ReadonlyArray<string> = patchedLines.map((line, index) =>
  isChanged(index) ? `changed ${index}\n` : line
)

const hunks = patchedLines.flatMap((line, index) =>
  isChanged(index)
    ? ["@@\n", ` ${patchedLines[index - 1]}`, `-${line}`, `+${changedLines[index]}`, ` ${patchedLines[index + 1]}`]
    : []
)

/** The patch as a command line. */
export const patchCommand = [
  "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: lines.txt\n",
  ...hunks,
  "*** End Patch\nEOF\n"
].join("")
