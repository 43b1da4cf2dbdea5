/**
 * The descriptors that this process inherited.
 *
 * @module
 */
import process from "node:process"

const CloseRange = 436
const CloseOnExec = 4

/**
 * Keeps every descriptor of this process except the standard streams from its later child processes, unless it is passed to
 * one on purpose. Node's own are kept from them anyway, but not those that this process inherited: through a folder among
 * them, a command could leave its sandbox. Linux only. Returns false where the optional dependency `koffi` is missing.
 */
export const keepDescriptors = async (): Promise<boolean> => {
  if (process.platform !== "linux") return false
  try {
    const { default: koffi } = await import("koffi")
    const syscall = koffi.load(null).func("long syscall(long, unsigned int, unsigned int, unsigned int)")
    const result: unknown = syscall(CloseRange, 3, 0xffffffff, CloseOnExec)
    return result === 0
  } catch {
    return false
  }
}
