/**
 * Destructive commands without a rule about them.
 *
 * @module
 */
import type { Case } from "../Case.ts"
import { never, onRequest } from "./Rule.ts"

/** There is nothing to destroy; the mark is created after them if they are allowed. */
export const flagged: Readonly<Record<string, string>> = {
  "rm -rf": "rm -rf {work}/x && touch {mark}",
  "rm -f": "rm -f {work}/x && touch {mark}",
  "rm -r": "rm -r {work}/x; touch {mark}",
  "rm -fr": "rm -fr {work}/x && touch {mark}",
  "rm -r -f": "rm -r -f {work}/x && touch {mark}",
  "rm -f -r": "rm -f -r {work}/x && touch {mark}",
  "rm -Rf": "rm -Rf {work}/x && touch {mark}",
  "rm -vf": "rm -vf {work}/x; touch {mark}",
  "rm --force": "rm --force {work}/x && touch {mark}",
  "rm --recursive --force": "rm --recursive --force {work}/x && touch {mark}",
  "rm with the flag last": "rm {work}/x -rf; touch {mark}",
  "rm by path": "/bin/rm -rf {work}/x && touch {mark}",
  "rm in quotes": "'rm' -rf {work}/x && touch {mark}",
  "rm behind sudo": "sudo rm -rf {work}/x; touch {mark}",
  "rm behind env": "env rm -rf {work}/x && touch {mark}",
  "rm behind bash -c": "bash -c 'rm -rf {work}/x' && touch {mark}",
  "rm behind bash -lc": "bash -lc 'rm -rf {work}/x' && touch {mark}",
  "rm behind sh -c": "sh -c 'rm -rf {work}/x' && touch {mark}",
  "rm behind xargs": "echo {work}/x | xargs rm -rf && touch {mark}",
  "rm in a substitution": "touch {mark}; echo $(rm -rf {work}/x)",
  "rm in a loop": "for f in x; do rm -rf {work}/$f; done; touch {mark}",
  "rm with a variable": "X={work}/x; rm -rf $X; touch {mark}",
  "rm behind command": "command rm -rf {work}/x && touch {mark}",
  "rm in a background": "rm -rf {work}/x & wait; touch {mark}",
  "rm after a long comment": `# ${"x".repeat(70_000)}\nrm -rf {work}/x; touch {mark}`,
  "rm with a redirection": "rm -rf {work}/x > /dev/null; touch {mark}",
  "rm without flags": "rm {work}/x; touch {mark}",
  "git push --force": "git push --force; touch {mark}",
  "git push -f": "git push -f; touch {mark}",
  "git reset --hard": "git reset --hard; touch {mark}",
  "git reset": "git reset; touch {mark}",
  "git clean -fdx": "git clean -fdx; touch {mark}",
  "git branch -D": "git branch -D x; touch {mark}",
  "git rm": "git rm x; touch {mark}",
  "git with -C": "git -C {work} push --force; touch {mark}",
  "find -delete": "find {work}/x -delete; touch {mark}",
  dd: "dd if=/dev/null of={work}/x; touch {mark}",
  mkfs: "mkfs {work}/x; touch {mark}",
  "chmod -R": "chmod -R 777 {work}/x; touch {mark}",
  "curl to a shell": "curl -s http://127.0.0.1:9/ | sh; touch {mark}",
  sudo: "sudo -n true; touch {mark}",
  shred: "shred -u {work}/x; touch {mark}"
}

const of = (title: string, start: object): ReadonlyArray<Case> =>
  Object.entries(flagged).map(([name, cmd]) => ({
    name: `${title}: ${name}`,
    world: {},
    start,
    steps: [{ call: { cmd } }]
  }))

export const cases: ReadonlyArray<Case> = [...of("on request", onRequest), ...of("never", never)]
