/**
 * System calls that pass an incomplete sandbox, as a program for Python. It prints the name of each one that succeeds.
 *
 * @module
 */

/** Arguments: a process outside of the sandbox, and a folder that is not writable. */
export const natives = `
import ctypes, fcntl, os, platform, socket, sys
server, outside = int(sys.argv[1]), sys.argv[2]
arm = platform.machine() == "aarch64"
libc = ctypes.CDLL(None, use_errno=True)
def call(x64, arm64, *args):
    result = libc.syscall(arm64 if arm else x64, *args)
    if result < 0: raise OSError(ctypes.get_errno(), "refused")
    return result
def attempt(name, action):
    try:
        action()
        print(name)
    except (OSError, PermissionError):
        pass
attempt("ptrace attach", lambda: call(101, 117, 0x4206, server, 0, 0))
local, remote = ctypes.create_string_buffer(8), (ctypes.c_void_p * 2)(0x400000, 8)
attempt("process_vm_writev", lambda: call(311, 271, server, (ctypes.c_void_p * 2)(ctypes.addressof(local), 8), 1, remote, 1, 0))
attempt("io_uring", lambda: call(425, 425, 4, ctypes.create_string_buffer(120)))
attempt("mknod of a disk", lambda: os.mknod("disk", 0o60600, os.makedev(254, 0)))
attempt("write to a disk", lambda: os.open("/dev/vda", os.O_RDWR))
attempt("write to memory", lambda: os.open("/dev/mem", os.O_RDWR))
attempt("write to a setting of the kernel", lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
attempt("write to a setting of memory", lambda: os.open("/proc/sys/vm/drop_caches", os.O_WRONLY))
attempt("write to a setting of a device", lambda: os.open("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY))
attempt("write to a control group", lambda: os.open("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY))
attempt("write to /proc/sysrq-trigger", lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY))
attempt("open_by_handle_at", lambda: call(304, 265, -100, ctypes.create_string_buffer(b"\\x08\\0\\0\\0\\x01\\0\\0\\0" + bytes(8)), 0))
attempt("type into a terminal", lambda: fcntl.ioctl(0, 0x5412, b"x"))
attempt("type into a terminal, high bits set", lambda: call(16, 29, 0, ctypes.c_ulong(0x100005412), b"x"))
attempt("flags of a file", lambda: fcntl.ioctl(os.open(outside + "/file", os.O_RDONLY), 0x40086602, b"\\x40\\0\\0\\0\\0\\0\\0\\0"))
attempt("extended attribute", lambda: os.setxattr(outside + "/file", b"user.x", b"x"))
attempt("fchmodat2", lambda: call(452, 452, -100, (outside + "/file").encode(), 0o600, 0))
attempt("setxattrat", lambda: call(463, 463, -100, (outside + "/file").encode(), 0, b"user.y", (ctypes.c_uint64 * 2)(ctypes.addressof(local), 1), 16))
attempt("file_setattr", lambda: call(469, 469, -100, (outside + "/file").encode(), (ctypes.c_uint64 * 3)(0x40, 0, 0), 24, 0))
attempt("fchmod", lambda: os.fchmod(os.open(outside + "/file", os.O_RDONLY), 0o600))
attempt("fchown", lambda: os.fchown(os.open(outside + "/file", os.O_RDONLY), 1, 1))
attempt("futimens", lambda: os.utime(os.open(outside + "/file", os.O_RDONLY), (1, 1)))
attempt("rename from outside", lambda: os.rename(outside + "/file", "file"))
attempt("link from outside", lambda: os.link(outside + "/file", "linked"))
attempt("link of a descriptor", lambda: os.link("/proc/self/fd/%d" % os.open(outside + "/file", os.O_RDONLY), "linked2", follow_symlinks=True))
attempt("datagram pair", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
for family in range(1, 46):
    for kind in (1, 2, 3, 5, 0x80001, 0x801):
        attempt("connect of socket %d %d" % (family, kind), lambda: libc.connect(call(41, 198, family, kind, 0), b"", 0) == 0 or call(50, 201, call(41, 198, family, kind, 0), 1))
attempt("multipath socket", lambda: call(50, 201, call(41, 198, 2, 1, 262), 1))
attempt("capabilities", lambda: os.sethostname("x") if hasattr(os, "sethostname") else socket.sethostname("x"))
print("ran")
`
