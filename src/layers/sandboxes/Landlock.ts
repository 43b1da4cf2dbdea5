/**
 * The adapter for Landlock: no namespace is needed, so that it works in containers.
 *
 * Two layers confine a command. The outer one is installed by a script of Perl, because Node cannot restrict a child before
 * it starts: it drops the capabilities, limits writes, signals and abstract sockets by Landlock, and installs a filter of
 * system calls (`Seccomp`). The kernel enforces it, also for the inner layer, `landstrip`, whose broker refuses changes of
 * protected names and of the modes and owners of files outside of the writable roots. Landlock itself can do neither: it has
 * no exception below a writable folder. The broker looks at names before it acts, so a program that renames folders at the
 * same time can evade it, but never the outer layer.
 *
 * Owns the arguments of both. Does not own the broker.
 *
 * @module
 */
import type { AccessEntry } from "../../services/sandbox/FileAccess.ts"
import type { SandboxedCommand } from "../../services/sandbox/Sandbox.ts"
import { NetworkDisabled, type Terms } from "./Bubblewrap.ts"
import { type Architecture, filter } from "./Seccomp.ts"

/** How Landlock is used on this machine. */
export interface Landlock {
  /** Absolute path of `perl`. */
  readonly perl: string
  /** Absolute path of `landstrip`. */
  readonly landstrip: string
  readonly architecture: Architecture
}

/** The filter of system calls, as hexadecimal digits. Without the broker, nothing else protects the attributes of files. */
const digitsOf = (architecture: Architecture, network: boolean, attributes: boolean): string =>
  Buffer.from(filter({ architecture, network, attributes, processes: false })).toString("hex")

/** The exit status of the script when the kernel cannot enforce the outer layer. */
export const Unsupported = 125

/** Devices that every command may write to. */
const Devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"]

/** prctl, capset, openat and memfd_create. */
const Numbers: Readonly<Record<Architecture, string>> = { x64: "157,126,257,319", arm64: "167,91,56,279" }

/**
 * Arguments: the policy of the broker, the filter, the numbers, the count of writable paths, these paths, and the command of
 * the broker, in which `POLICY` and `ERRORS` stand for descriptors.
 *
 * `0xf7b2` are Landlock's rights to write in a folder, `0xc002` those to a file, `0xfff2` all that are limited: the others
 * are to create devices. Landlock's version 6 is the first that limits signals and abstract sockets.
 */
const script = `
use strict; my ($policy, $filter, $numbers, $count, @rest) = @ARGV;
my ($prctl, $capset, $openat, $memfd) = split /,/, $numbers;
sub fail { print STDERR "sandbox: $_[0]: $!\\n"; exit ${Unsupported} }
$^F = 255;
my ($name, $in) = ("policy"); my $file = syscall($memfd, $name, 0); $file >= 0 or fail("policy");
open($in, "+<&=", $file) && syswrite($in, $policy) == length $policy or fail("policy");
open(my $errors, ">&", \\*STDERR) or fail("stderr");
syscall(444, 0, 0, 1) >= 6 or fail("landlock");
my $rules = pack("QQQ", 0xfff2, 0, 3);
my $set = syscall(444, $rules, length $rules, 0); $set >= 0 or fail("ruleset");
for my $path (splice @rest, 0, $count) {
  my $fd = syscall($openat, -100, $path, 0x280000, 0); next if $fd < 0;
  my $rule = pack("Ql", -d $path ? 0xf7b2 : 0xc002, $fd);
  syscall(445, $set, 1, $rule, 0) == 0 or fail("rule");
}
syscall($prctl, 24, $_, 0, 0, 0) for 0 .. 63;
my ($head, $none) = (pack("LL", 0x20080522, 0), pack("L6", (0) x 6));
syscall($capset, $head, $none) == 0 or fail("capabilities");
syscall($prctl, 38, 1, 0, 0, 0) == 0 or fail("privileges");
syscall(446, $set, 0) == 0 or fail("restrict");
my $code = pack("H*", $filter); my $program = pack("Sx6P", length($code) / 8, $code);
syscall($prctl, 22, 2, $program, 0, 0) == 0 or fail("filter");
my %names = (POLICY => "/proc/self/fd/$file", ERRORS => fileno($errors), RESTORE => 'exec "$@" 2>&' . fileno($errors) . " " . fileno($errors) . ">&-");
open(STDERR, ">", "/dev/null");
@rest = map { $names{$_} // $_ } @rest; exec { $rest[0] } @rest; exit 127;
`

/** The policy of the broker. */
const policyOf = ({ entries, network }: Terms): string =>
  JSON.stringify({
    filesystem: { allowWrite: [...Devices, ...paths(entries, "write")], denyWrite: paths(entries, "read") },
    network: network
      ? { allowNetwork: true, allowLocalBinding: true, allowAllUnixSockets: true }
      : { allowNetwork: false }
  })

const paths = (entries: ReadonlyArray<AccessEntry>, access: AccessEntry["access"]): ReadonlyArray<string> =>
  entries.filter((entry) => entry.access === access).map(({ path }) => path)

/** The broker writes its errors to the stderr that the script closes; the command gets the real one back. */
const brokered = ({ landstrip }: Landlock, { args, executable }: SandboxedCommand): ReadonlyArray<string> => {
  const broker = [landstrip, "run", "-p", "POLICY", "--policy-format", "json", "--inherit", "ERRORS", "--"]
  return [...broker, ...plain({ executable, args })]
}

/**
 * Rewrites a command so that it runs in the sandbox. Where nothing is writable there is nothing for the broker to protect:
 * then the kernel alone enforces the policy.
 */
export const wrap = (landlock: Landlock, command: SandboxedCommand, terms: Terms): SandboxedCommand => {
  const { entries, network } = terms
  const writable = [...Devices, ...paths(entries, "write")]
  const isReadOnly = entries.length === 0
  return {
    executable: landlock.perl,
    args: [
      "-e",
      script,
      policyOf(terms),
      digitsOf(landlock.architecture, network, isReadOnly),
      Numbers[landlock.architecture],
      String(writable.length),
      ...writable,
      ...(isReadOnly ? plain(command) : brokered(landlock, command))
    ],
    cwd: command.cwd,
    env: network ? command.env : { ...command.env, ...NetworkDisabled }
  }
}

/** The command alone, with the stderr that the script closes. */
const plain = ({ args, executable }: Pick<SandboxedCommand, "args" | "executable">): ReadonlyArray<string> =>
  ["/bin/sh", "-c", "RESTORE", "/bin/sh", executable].concat(args)
