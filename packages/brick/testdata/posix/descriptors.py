"""Calls by descriptor: names from an open directory, what flags of opening mean, times that are left out, ranges
that are reserved and freed, locks of an open file, memory that is a file."""
import ctypes
import fcntl
import mmap
import os
import struct

from judge import OWNER, acting, fill, fresh, make, succeeds, want

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_NOFOLLOW = -100, 0x100
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO, INSERT = 1, 2, 8, 16, 32
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
O_PATH, O_TMPFILE = 0o10000000, 0o20200000
F_OFD_GETLK, F_OFD_SETLK = 36, 37


def checked(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def with_fd(path, flags, call, mode=0o644):
    """What `call` gives of the file that is opened so."""
    def opened():
        fd = os.open(path, flags, mode)
        try:
            return call(fd)
        finally:
            os.close(fd)
    return opened


def names():
    """*at(): relative to a directory, wherever the process is, and whatever its name is by then."""
    path = make("directory")
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    moved = fresh("moved")
    os.rename(path, moved)
    want("openat makes a file in the directory that was renamed",
         lambda: (os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=directory)), os.listdir(moved))[1], ["file"])
    succeeds("mkdirat", lambda: os.mkdir("sub", dir_fd=directory))
    succeeds("symlinkat", lambda: os.symlink("file", "link", dir_fd=directory))
    want("readlinkat", lambda: os.readlink("link", dir_fd=directory), "file")
    succeeds("linkat", lambda: os.link("file", "second", src_dir_fd=directory, dst_dir_fd=directory))
    want("linkat of a link without following it",
         lambda: (os.link("link", "link2", src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=False),
                  os.readlink("link2", dir_fd=directory))[1], "file")
    want("fstatat", lambda: os.stat("file", dir_fd=directory).st_nlink, 2)
    succeeds("fchmodat", lambda: os.chmod("file", 0o640, dir_fd=directory))
    succeeds("fchownat of the link itself",
             lambda: os.chown("link", OWNER, OWNER, dir_fd=directory, follow_symlinks=False))
    want("its target has not changed", lambda: os.stat("file", dir_fd=directory).st_uid, 0)
    want("faccessat", acting(OWNER, lambda: os.access("file", os.W_OK, dir_fd=directory, effective_ids=True)), False)
    succeeds("mkfifoat", lambda: os.mkfifo("fifo", 0o600, dir_fd=directory))
    succeeds("mknodat", lambda: os.mknod("node", 0o100600, dir_fd=directory))
    succeeds("renameat", lambda: os.rename("second", "third", src_dir_fd=directory, dst_dir_fd=directory))
    want("unlinkat of a directory", lambda: os.unlink("sub", dir_fd=directory), "EISDIR")
    want("unlinkat with AT_REMOVEDIR of a file", lambda: os.rmdir("third", dir_fd=directory), "ENOTDIR")
    succeeds("unlinkat with AT_REMOVEDIR", lambda: os.rmdir("sub", dir_fd=directory))
    want("openat by a descriptor that is no directory",
         with_fd(f"{moved}/file", os.O_RDONLY, lambda fd: os.stat("x", dir_fd=fd)), "ENOTDIR")
    want("openat by a descriptor that is closed", lambda: os.stat("x", dir_fd=999), "EBADF")
    for name in os.listdir(directory):
        os.unlink(name, dir_fd=directory)
    os.rmdir(moved)
    want("a directory that was removed is made nothing in",
         lambda: os.mkdir("late", dir_fd=directory), "ENOENT", "ESTALE")
    want("it is listed as empty, or not at all", lambda: os.listdir(directory), [], "ENOENT", "ESTALE")
    os.close(directory)


def renames():
    one, two = fill(fresh("one"), b"1"), fill(fresh("two"), b"2")

    def rename(source, target, flags):
        return checked(libc.renameat2(AT_FDCWD, source.encode(), AT_FDCWD, target.encode(), flags))
    want("renameat2 NOREPLACE onto a name", lambda: rename(one, two, RENAME_NOREPLACE), "EEXIST", "EINVAL")
    want("renameat2 with two flags that exclude each other",
         lambda: rename(one, two, RENAME_NOREPLACE | RENAME_EXCHANGE), "EINVAL")
    want("renameat2 with a flag that there is not", lambda: rename(one, two, 0x80), "EINVAL")


def flags():
    path = fill(fresh("file"), b"0123456789")
    want("a descriptor for reading does not write", with_fd(path, os.O_RDONLY, lambda fd: os.write(fd, b"x")), "EBADF")
    want("one for writing does not read", with_fd(path, os.O_WRONLY, lambda fd: os.read(fd, 1)), "EBADF")
    want("one for reading is not truncated", with_fd(path, os.O_RDONLY, lambda fd: os.ftruncate(fd, 0)), "EINVAL", "EBADF")
    want("O_PATH reads nothing", with_fd(path, O_PATH, lambda fd: os.read(fd, 1)), "EBADF")
    want("O_PATH tells attributes", with_fd(path, O_PATH, lambda fd: os.fstat(fd).st_size), 10)
    want("O_PATH of a link, not followed", lambda: (os.symlink(path, "to"), with_fd(
        "to", O_PATH | os.O_NOFOLLOW, lambda fd: os.readlink("", dir_fd=fd))())[1], path)
    want("O_NOFOLLOW of a link", with_fd("to", os.O_RDONLY | os.O_NOFOLLOW, lambda fd: 0), "ELOOP")
    want("O_DIRECTORY of a file", with_fd(path, os.O_RDONLY | os.O_DIRECTORY, lambda fd: 0), "ENOTDIR")
    want("O_CREAT of a directory", with_fd(".", os.O_CREAT | os.O_RDWR, lambda fd: 0), "EISDIR")
    want("a directory for writing", with_fd(".", os.O_WRONLY, lambda fd: 0), "EISDIR")
    want("O_CREAT and O_EXCL through a link to nothing", lambda: (os.symlink("absent", "dangling"), with_fd(
        "dangling", os.O_CREAT | os.O_EXCL | os.O_WRONLY, lambda fd: 0)())[1], "EEXIST")
    want("O_CREAT through a link to nothing makes it",
         lambda: (with_fd("dangling", os.O_CREAT | os.O_WRONLY, lambda fd: 0)(), os.path.exists("absent"))[1], True)
    want("O_NOATIME of another's file",
         acting(OWNER, with_fd(path, os.O_RDONLY | os.O_NOATIME, lambda fd: 0)), "EPERM")
    want("O_TMPFILE", with_fd(".", O_TMPFILE | os.O_RDWR, lambda fd: 0), 0, "EOPNOTSUPP", "EISDIR", "ENOENT")
    want("O_TRUNC of a file that may not be written",
         acting(OWNER, with_fd(path, os.O_RDONLY | os.O_TRUNC, lambda fd: 0)), "EACCES")
    want("and it is whole", lambda: os.stat(path).st_size, 10)
    want("O_APPEND writes behind the end, wherever it is",
         with_fd(path, os.O_WRONLY | os.O_APPEND, lambda fd: (os.lseek(fd, 0, 0), os.write(fd, b"a"), os.fstat(fd).st_size)[2]), 11)

    def append_later(fd):
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
        os.lseek(fd, 0, 0)
        os.write(fd, b"b")
        return os.fstat(fd).st_size
    want("O_APPEND that was set later", with_fd(path, os.O_WRONLY, append_later), 12)
    want("a mode without permissions still gives a descriptor",
         with_fd(fresh("none"), os.O_CREAT | os.O_EXCL | os.O_RDWR, lambda fd: os.write(fd, b"x"), 0), 1)
    want("what lost its name is read and written through a descriptor", with_fd(
        path, os.O_RDWR, lambda fd: (os.unlink(path), os.pwrite(fd, b"Z", 0), os.pread(fd, 3, 0), os.fstat(fd).st_nlink)[2:]),
        (b"Z12", 0))


def utimensat(fd, path, access, change, at_flags=0):
    times = struct.pack("qqqq", *access, *change)
    return checked(libc.utimensat(fd, path.encode(), times, at_flags))


def times():
    path = make("regular")
    os.utime(path, ns=(1_000_000_007, 2_000_000_009))
    read = lambda: (os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns)
    want("nanoseconds are kept", read, (1_000_000_007, 2_000_000_009))
    want("UTIME_OMIT leaves the access time",
         lambda: (utimensat(AT_FDCWD, path, (0, UTIME_OMIT), (5, 6)), read())[1], (1_000_000_007, 5_000_000_006))
    want("UTIME_OMIT leaves the modification time",
         lambda: (utimensat(AT_FDCWD, path, (7, 8), (0, UTIME_OMIT)), read())[1], (7_000_000_008, 5_000_000_006))
    want("UTIME_NOW is now",
         lambda: (utimensat(AT_FDCWD, path, (0, UTIME_NOW), (0, UTIME_OMIT)), read()[0] > 1_600_000_000 * 10**9)[1], True)
    want("both left", lambda: (utimensat(AT_FDCWD, path, (0, UTIME_OMIT), (0, UTIME_OMIT)), read()[1])[1], 5_000_000_006)
    want("nanoseconds that are none", lambda: utimensat(AT_FDCWD, path, (0, 10**9), (0, 0)), "EINVAL")
    want("another may set it to now who may write", lambda: (os.chmod(path, 0o666), acting(
        OWNER, lambda: utimensat(AT_FDCWD, path, (0, UTIME_NOW), (0, UTIME_NOW)))())[1], 0)
    want("but to nothing else", acting(OWNER, lambda: utimensat(AT_FDCWD, path, (1, 0), (1, 0))), "EPERM")
    want("one of both to now is something else",
         acting(OWNER, lambda: utimensat(AT_FDCWD, path, (0, UTIME_NOW), (0, UTIME_OMIT))), "EPERM")
    want("who may not write sets nothing", lambda: (os.chmod(path, 0o644), acting(
        OWNER, lambda: utimensat(AT_FDCWD, path, (0, UTIME_NOW), (0, UTIME_NOW)))())[1], "EACCES")
    os.symlink(path, "link")
    want("a link's own times", lambda: (utimensat(AT_FDCWD, "link", (3, 0), (4, 0), AT_SYMLINK_NOFOLLOW),
                                        os.lstat("link").st_mtime_ns, os.stat(path).st_mtime_ns > 4 * 10**9)[1:], (4_000_000_000, True))
    want("times before 1970", lambda: (utimensat(AT_FDCWD, path, (-5, 0), (-5, 0)), os.stat(path).st_mtime)[1], -5.0)
    want("by a descriptor", with_fd(path, os.O_RDONLY, lambda fd: (os.utime(fd, ns=(11, 12)), os.fstat(fd).st_mtime_ns)[1]), 12)


def ranges():
    path = fill(fresh("file"), b"x" * 20_000)

    def allocate(mode, offset, length):
        def on(fd):
            checked(libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))
            return os.fstat(fd).st_size
        return with_fd(path, os.O_RDWR, on)
    want("fallocate behind the end makes it longer", allocate(0, 20_000, 5000), 25_000)
    want("with KEEP_SIZE it does not", allocate(KEEP_SIZE, 25_000, 5000), 25_000)
    want("a hole is zeros", lambda: (allocate(PUNCH_HOLE | KEEP_SIZE, 4096, 4096)(), with_fd(
        path, os.O_RDONLY, lambda fd: (os.pread(fd, 4, 4094), os.pread(fd, 4, 8190)))())[1], (b"xx\0\0", b"\0\0xx"))
    want("a hole needs KEEP_SIZE", allocate(PUNCH_HOLE, 0, 4096), "EOPNOTSUPP", "EINVAL")
    want("a range that is zeroed", lambda: (allocate(ZERO, 100, 50)(), with_fd(
        path, os.O_RDONLY, lambda fd: os.pread(fd, 54, 98))())[1], b"xx" + b"\0" * 50 + b"xx", "EOPNOTSUPP")
    want("a range is not collapsed", allocate(COLLAPSE, 0, 4096), "EOPNOTSUPP", "EINVAL", 20_904)
    want("a range is not inserted", allocate(INSERT, 0, 4096), "EOPNOTSUPP", "EINVAL", 25_000)
    want("a length of nothing", allocate(0, 0, 0), "EINVAL")
    want("a negative offset", allocate(0, -1, 10), "EINVAL")
    want("a descriptor for reading", with_fd(path, os.O_RDONLY, lambda fd: checked(
        libc.fallocate64(fd, 0, ctypes.c_int64(0), ctypes.c_int64(10)))), "EBADF")
    want("posix_fallocate", with_fd(path, os.O_RDWR, lambda fd: (os.posix_fallocate(fd, 0, 60_000), os.fstat(fd).st_size)[1]), 60_000)
    want("a directory", with_fd(".", os.O_RDONLY, lambda fd: checked(
        libc.fallocate64(fd, 0, ctypes.c_int64(0), ctypes.c_int64(10)))), "EBADF", "EISDIR", "ENODEV")
    want("posix_fadvise", with_fd(path, os.O_RDONLY, lambda fd: os.posix_fadvise(fd, 0, 100, os.POSIX_FADV_DONTNEED)), None)
    want("syncfs", with_fd(".", os.O_RDONLY, lambda fd: checked(libc.syncfs(fd))), 0)
    want("sync_file_range", with_fd(path, os.O_RDWR, lambda fd: checked(
        libc.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(100), 7))), 0)


def open_file_locks():
    """F_OFD_*: of the open file, not of the process."""
    path = fill(fresh("file"))
    lock = lambda kind, start, length: struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
    one, two = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    succeeds("a write lock", lambda: fcntl.fcntl(one, F_OFD_SETLK, lock(fcntl.F_WRLCK, 10, 10)))
    want("another open file of the same process is refused",
         lambda: fcntl.fcntl(two, F_OFD_SETLK, lock(fcntl.F_WRLCK, 15, 1)), "EAGAIN")
    succeeds("beside it there is room", lambda: fcntl.fcntl(two, F_OFD_SETLK, lock(fcntl.F_WRLCK, 20, 1)))
    want("F_OFD_GETLK tells whose it is: nobody's",
         lambda: struct.unpack("hhqqi4x", fcntl.fcntl(two, F_OFD_GETLK, lock(fcntl.F_RDLCK, 0, 0)))[::4], (fcntl.F_WRLCK, -1), (fcntl.F_WRLCK, 0))
    copy = os.dup(one)
    os.close(one)
    want("a copy of the descriptor keeps it", lambda: fcntl.fcntl(two, F_OFD_SETLK, lock(fcntl.F_WRLCK, 15, 1)), "EAGAIN")
    os.close(copy)
    succeeds("the last descriptor takes it along", lambda: fcntl.fcntl(two, F_OFD_SETLK, lock(fcntl.F_WRLCK, 15, 1)))
    os.close(two)


def memory():
    path = fill(fresh("file"), b"a" * 8192)

    def shared(fd):
        with mmap.mmap(fd, 8192) as area:
            area[4090:4100] = b"0123456789"
            area.flush()
            return os.pread(fd, 12, 4089)
    want("what is written to shared memory is in the file", with_fd(path, os.O_RDWR, shared), b"a0123456789a")

    def seen(fd):
        with mmap.mmap(fd, 8192, prot=mmap.PROT_READ) as area:
            os.pwrite(fd, b"ZZ", 100)
            return area[99:103]
    want("what is written to the file is in shared memory", with_fd(path, os.O_RDWR, seen), b"aZZa")

    def private(fd):
        with mmap.mmap(fd, 8192, flags=mmap.MAP_PRIVATE) as area:
            area[0:1] = b"Q"
            return os.pread(fd, 1, 0)
    want("private memory stays private", with_fd(path, os.O_RDWR, private), b"a")
    want("memory to write, of a descriptor that reads", with_fd(path, os.O_RDONLY, lambda fd: mmap.mmap(fd, 10)), "EACCES")

    def after_close():
        fd = os.open(path, os.O_RDWR)
        area = mmap.mmap(fd, 8192)
        os.close(fd)
        os.unlink(path)
        area[0:3] = b"end"
        text = bytes(area[0:4])
        area.close()
        return text
    want("memory outlives descriptor and name", after_close, b"enda")


def attached_by_descriptor():
    path = make("regular")
    fd = os.open(path, os.O_RDWR)
    succeeds("fsetxattr", lambda: os.setxattr(fd, "user.a", b"1"))
    want("fsetxattr XATTR_CREATE of one that is there", lambda: os.setxattr(fd, "user.a", b"2", os.XATTR_CREATE), "EEXIST")
    want("fsetxattr XATTR_REPLACE of one that is not", lambda: os.setxattr(fd, "user.b", b"2", os.XATTR_REPLACE), "ENODATA")
    want("fgetxattr", lambda: os.getxattr(fd, "user.a"), b"1")
    want("flistxattr", lambda: "user.a" in os.listxattr(fd), True)
    os.unlink(path)
    want("of what has lost its name", lambda: (os.setxattr(fd, "user.c", b"3"), os.getxattr(fd, "user.c"))[1], b"3", "ENOENT", "ESTALE")
    succeeds("fremovexattr", lambda: os.removexattr(fd, "user.a"))
    want("fremovexattr again", lambda: os.removexattr(fd, "user.a"), "ENODATA")
    want("fchmod of what has lost its name", lambda: (os.fchmod(fd, 0o600), oct(os.fstat(fd).st_mode & 0o777))[1], "0o600")
    want("fchown of what has lost its name", lambda: (os.fchown(fd, OWNER, OWNER), os.fstat(fd).st_uid)[1], OWNER)
    os.close(fd)
    directory = make("directory")
    want("of a directory", with_fd(directory, os.O_RDONLY, lambda fd: (os.setxattr(fd, "user.d", b"4"), os.getxattr(fd, "user.d"))[1]), b"4")


def run():
    names()
    renames()
    flags()
    times()
    ranges()
    open_file_locks()
    memory()
    attached_by_descriptor()
