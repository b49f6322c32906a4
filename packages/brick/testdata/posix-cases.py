#!/usr/bin/env python3
"""Calls every file system call in a directory and prints one line a case: what it gave.

    posix-cases.py DIRECTORY

The lines are the same for every file system that behaves alike: no times, inode numbers or sizes of
directories are printed. Used to compare two servers of one mount.
"""
import ctypes
import errno
import fcntl
import os
import stat
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
os.umask(0o022)


def text(error):
    return errno.errorcode.get(error.errno, str(error.errno))


def show(value):
    if isinstance(value, bytes):
        return value[:40].hex() if any(b < 32 or b > 126 for b in value) else value[:40].decode()
    return str(value)


def case(title, call):
    try:
        print(f"{title}: {show(call())}")
    except OSError as error:
        print(f"{title}: {text(error)}")


def as_user(uid, gid, groups, call):
    """The call in a child of that user; what it gave, as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            result = show(call())
        except OSError as error:
            result = text(error)
        os.write(writer, result.encode())
        os._exit(0)
    os.close(writer)
    result = os.read(reader, 4096).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return result


def user_case(title, call, uid=1000, gid=1000, groups=()):
    print(f"{title} [{uid}:{gid}:{list(groups)}]: {as_user(uid, gid, list(groups), call)}")


def write(path, data=b"x", flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode=0o644):
    fd = os.open(path, flags, mode)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


def facts(path):
    found = os.lstat(path)
    size = found.st_size if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else "-"
    links = found.st_nlink if not stat.S_ISDIR(found.st_mode) else "-"
    device = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return f"{oct(found.st_mode)} {found.st_uid}:{found.st_gid} links {links} size {size} dev {device}"


def moved(path, before):
    """Which times of a path are later than those of a stat before."""
    after = os.lstat(path)
    names = [name for name in ("st_mtime_ns", "st_ctime_ns") if getattr(after, name) > getattr(before, name)]
    return " ".join(name[3:8] for name in names) or "none"


def times_case(title, path, call):
    before = os.lstat(path)
    time.sleep(0.02)
    try:
        call()
        print(f"{title} moves: {moved(path, before)}")
    except OSError as error:
        print(f"{title}: {text(error)}")


def names_of_length(length):
    return "n" * length


def opens():
    case("open missing", lambda: os.open("missing", os.O_RDONLY))
    case("open create", lambda: write("file"))
    case("facts", lambda: facts("file"))
    case("open exclusive on existing", lambda: os.open("file", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    case("open existing with O_CREAT", lambda: write("file", b"abc", os.O_WRONLY | os.O_CREAT))
    case("content", lambda: read("file"))
    case("open with O_TRUNC", lambda: write("file", b"", os.O_WRONLY | os.O_TRUNC))
    case("size after O_TRUNC", lambda: os.stat("file").st_size)
    case("open directory for writing", lambda: os.open(".", os.O_WRONLY))
    case("open through a file", lambda: os.open("file/x", os.O_RDONLY))
    case("open file as directory", lambda: os.open("file", os.O_RDONLY | os.O_DIRECTORY))
    case("name of 255", lambda: write(names_of_length(255)))
    case("unlink name of 255", lambda: os.unlink(names_of_length(255)))
    case("name of 256", lambda: write(names_of_length(256)))
    case("odd bytes in a name", lambda: write(b"\xff\xfe odd \n name"))
    case("list odd name", lambda: b"\xff\xfe odd \n name" in os.listdir(b"."))
    case("unlink odd name", lambda: os.unlink(b"\xff\xfe odd \n name"))
    case("create sticky, setuid", lambda: os.close(os.open("special", os.O_CREAT | os.O_WRONLY, 0o7755)))
    case("facts of special", lambda: facts("special"))
    case("unlink special", lambda: os.unlink("special"))
    case("hidden directory", lambda: os.listdir(".glusterfs"))
    case("create hidden directory", lambda: os.mkdir(".glusterfs"))


def data():
    def append():
        fd = os.open("append", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, b"one")
        os.pwrite(fd, b"two", 0)
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b"three")
        os.close(fd)
        return read("append")

    def sparse():
        fd = os.open("sparse", os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, b"end", 1 << 20)
        os.pwrite(fd, b"start", 0)
        result = (os.fstat(fd).st_size, os.pread(fd, 5, 0), os.pread(fd, 4, (1 << 20) - 1), os.pread(fd, 9, 1 << 21))
        os.close(fd)
        return result

    def seeks():
        fd = os.open("sparse", os.O_RDONLY)
        try:
            return (os.lseek(fd, 0, os.SEEK_HOLE) > 0, os.lseek(fd, 1 << 20, os.SEEK_DATA) == 1 << 20)
        finally:
            os.close(fd)

    def seek_end():
        fd = os.open("sparse", os.O_RDONLY)
        try:
            return os.lseek(fd, 1 << 22, os.SEEK_DATA)
        finally:
            os.close(fd)

    def allocate(mode, offset, length):
        fd = os.open("sparse", os.O_RDWR)
        try:
            if libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
                raise OSError(ctypes.get_errno(), "fallocate")
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def read_only_write():
        fd = os.open("sparse", os.O_RDONLY)
        try:
            return os.write(fd, b"x")
        finally:
            os.close(fd)

    def write_only_read():
        fd = os.open("sparse", os.O_WRONLY)
        try:
            return os.read(fd, 1)
        finally:
            os.close(fd)

    def direct():
        import mmap
        buffer = mmap.mmap(-1, 4096)
        buffer.write(b"d" * 4096)
        fd = os.open("direct", os.O_RDWR | os.O_CREAT | os.O_DIRECT)
        try:
            os.pwritev(fd, [buffer], 4096)
            return os.preadv(fd, [buffer], 4096), buffer[:3]
        finally:
            os.close(fd)

    def synced():
        fd = os.open("synced", os.O_RDWR | os.O_CREAT | os.O_SYNC)
        try:
            os.write(fd, b"durable")
            os.fsync(fd)
            os.fdatasync(fd)
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def unlinked():
        fd = os.open("open-unlinked", os.O_RDWR | os.O_CREAT)
        os.write(fd, b"before")
        os.unlink("open-unlinked")
        os.write(fd, b" after")
        os.ftruncate(fd, 9)
        os.fchmod(fd, 0o600)
        found = os.fstat(fd)
        result = (os.pread(fd, 20, 0), found.st_nlink, oct(found.st_mode))
        os.close(fd)
        return result

    case("append", append)
    case("sparse", sparse)
    case("seek data and hole", seeks)
    case("seek beyond the end", seek_end)
    case("fallocate", lambda: allocate(0, 0, 3 << 20))
    case("fallocate keep size", lambda: allocate(1, 0, 4 << 20))
    case("punch hole", lambda: allocate(3, 0, 4096))
    case("hole reads zeros", lambda: read("sparse")[:5])
    case("zero range", lambda: allocate(16, 1 << 20, 4096))
    case("fallocate nothing", lambda: allocate(0, 0, 0))
    case("truncate up", lambda: os.truncate("sparse", 5 << 20))
    case("truncate down", lambda: os.truncate("sparse", 10))
    case("size", lambda: os.stat("sparse").st_size)
    case("truncate missing", lambda: os.truncate("missing", 1))
    case("truncate directory", lambda: os.truncate(".", 1))
    case("truncate negative", lambda: os.truncate("sparse", -1))
    case("write on read-only", read_only_write)
    case("read on write-only", write_only_read)
    case("direct", direct)
    case("synced", synced)
    case("open and unlinked", unlinked)
    case("copy_file_range", copy_range)
    case("write 1 MiB", lambda: write("large", os.urandom(1 << 20)))
    case("flock conflict", flock_conflict)
    case("fcntl lock conflict", lock_conflict)
    case("fcntl get lock", get_lock)


def copy_range():
    write("source", b"0123456789")
    write("target", b"")
    source = os.open("source", os.O_RDONLY)
    target = os.open("target", os.O_WRONLY)
    count = os.copy_file_range(source, target, 5, 2, 1)
    os.close(source)
    os.close(target)
    return count, read("target")


def flock_conflict():
    first = os.open("large", os.O_RDWR)
    second = os.open("large", os.O_RDWR)
    try:
        fcntl.flock(first, fcntl.LOCK_EX)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return "granted twice"
        except OSError as error:
            blocked = text(error)
        fcntl.flock(first, fcntl.LOCK_UN)
        fcntl.flock(second, fcntl.LOCK_SH)
        fcntl.flock(first, fcntl.LOCK_SH)
        return blocked
    finally:
        os.close(first)
        os.close(second)


def lock_conflict():
    fd = os.open("large", os.O_RDWR)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX, 100, 50)

        def other(start):
            again = os.open("large", os.O_RDWR)
            fcntl.lockf(again, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, start)
            return "granted"

        return as_user(0, 0, [], lambda: other(60)), as_user(0, 0, [], lambda: other(200))
    finally:
        os.close(fd)


def get_lock():
    fd = os.open("large", os.O_RDWR)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX, 100, 50)

        def other():
            again = os.open("large", os.O_RDWR)
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
            kind, _, start, length, _ = struct.unpack("hhqqi4x", fcntl.fcntl(again, fcntl.F_GETLK, asked))
            return (kind, start, length)

        return as_user(0, 0, [], other)
    finally:
        os.close(fd)


def entries():
    case("mkdir", lambda: os.mkdir("dir"))
    case("mkdir again", lambda: os.mkdir("dir"))
    case("mkdir missing parent", lambda: os.mkdir("missing/dir"))
    case("mkdir under a file", lambda: os.mkdir("file/dir"))
    case("mkdir sticky", lambda: os.mkdir("sticky", 0o1777))
    case("facts of dir", lambda: facts("dir"))
    case("chmod sticky", lambda: os.chmod("sticky", 0o1777))
    case("facts of sticky", lambda: facts("sticky"))
    case("rmdir", lambda: os.rmdir("dir"))
    case("rmdir missing", lambda: os.rmdir("dir"))
    case("rmdir file", lambda: os.rmdir("file"))
    os.makedirs("full/inner")
    case("rmdir full", lambda: os.rmdir("full"))
    case("facts of full after it", lambda: facts("full"))
    case("inside after it", lambda: os.listdir("full"))
    case("rmdir dot", lambda: os.rmdir("full/."))
    case("unlink directory", lambda: os.unlink("full"))
    case("unlink missing", lambda: os.unlink("missing"))
    case("link", lambda: os.link("file", "second"))
    case("facts of second", lambda: facts("second"))
    case("link on existing", lambda: os.link("file", "second"))
    case("link of directory", lambda: os.link("full", "second-full"))
    case("link of missing", lambda: os.link("missing", "third"))
    case("unlink first of two", lambda: os.unlink("second"))
    case("links left", lambda: os.stat("file").st_nlink)
    case("symlink", lambda: os.symlink("file", "symbolic"))
    case("symlink again", lambda: os.symlink("other", "symbolic"))
    case("readlink", lambda: os.readlink("symbolic"))
    case("readlink of file", lambda: os.readlink("file"))
    case("facts of symlink", lambda: facts("symbolic"))
    case("symlink odd", lambda: os.symlink("../../00/00/00000000-0000-0000-0000-000000000001", "odd"))
    case("readlink odd", lambda: os.readlink("odd"))
    case("through odd", lambda: os.listdir("odd"))
    case("long symlink", lambda: os.symlink("t" * 4000, "long"))
    case("readlink long", lambda: len(os.readlink("long")))
    case("link of symlink", lambda: os.link("symbolic", "symbolic-2", follow_symlinks=False))
    case("facts of it", lambda: facts("symbolic-2"))
    os.symlink("loop", "loop")
    case("loop", lambda: os.open("loop", os.O_RDONLY))
    case("mkfifo", lambda: os.mkfifo("fifo", 0o640))
    case("facts of fifo", lambda: facts("fifo"))
    case("mknod character", lambda: os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3)))
    case("facts of null", lambda: facts("null"))
    case("mknod wide numbers", lambda: os.mknod("wide", stat.S_IFBLK | 0o600, os.makedev(259, 70000)))
    case("facts of wide", lambda: facts("wide"))
    case("mknod regular", lambda: os.mknod("regular", stat.S_IFREG | 0o604))
    case("facts of regular", lambda: facts("regular"))
    case("mknod on existing", lambda: os.mknod("regular", stat.S_IFREG | 0o604))
    case("socket", lambda: os.mknod("socket", stat.S_IFSOCK | 0o600))
    case("facts of socket", lambda: facts("socket"))
    os.mkdir("setgid")
    os.chown("setgid", 7, 8)
    os.chmod("setgid", 0o2775)
    case("file in setgid", lambda: write("setgid/file"))
    case("facts of it", lambda: facts("setgid/file"))
    case("directory in setgid", lambda: os.mkdir("setgid/dir"))
    case("facts of it", lambda: facts("setgid/dir"))


def renames():
    write("r1", b"one")
    write("r2", b"two")
    case("rename", lambda: os.rename("r1", "r3"))
    case("rename over", lambda: os.rename("r3", "r2"))
    case("content", lambda: read("r2"))
    case("rename missing", lambda: os.rename("r1", "r4"))
    case("rename to itself", lambda: os.rename("r2", "r2"))
    case("still there", lambda: read("r2"))
    os.link("r2", "r5")
    case("rename to its other name", lambda: os.rename("r2", "r5"))
    case("both names", lambda: (os.path.exists("r2"), os.path.exists("r5"), os.stat("r5").st_nlink))
    os.mkdir("rd1")
    os.makedirs("rd2/inner/deep")
    case("rename file over directory", lambda: os.rename("r5", "rd1"))
    case("rename directory over file", lambda: os.rename("rd1", "r5"))
    case("rename directory over full", lambda: os.rename("rd1", "rd2"))
    case("rename directory into itself", lambda: os.rename("rd2", "rd2/inner/x"))
    case("rename directory over empty", lambda: os.rename("rd2", "rd1"))
    case("inside", lambda: os.listdir("rd1/inner"))
    write("rd1/inner/deep/file", b"deep")
    case("rename inner up", lambda: os.rename("rd1/inner/deep", "up"))
    case("deep content", lambda: read("up/file"))
    case("rename back down", lambda: os.rename("up", "rd1/inner/deep"))
    case("deep content again", lambda: read("rd1/inner/deep/file"))
    open_one = os.open("rd1/inner/deep/file", os.O_RDONLY)
    write("rd1/other", b"other")
    case("rename over an open file", lambda: os.rename("rd1/other", "rd1/inner/deep/file"))
    case("the open one", lambda: os.read(open_one, 10))
    os.close(open_one)
    case("the new one", lambda: read("rd1/inner/deep/file"))
    case("rename symlink", lambda: os.rename("symbolic", "rd1/symbolic"))
    case("rename fifo", lambda: os.rename("fifo", "rd1/fifo"))

    def flagged(old, new, flags):
        if libc.renameat2(-100, old.encode(), -100, new.encode(), flags) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")
        return "done"

    write("n1", b"1")
    write("n2", b"2")
    case("rename noreplace", lambda: flagged("n1", "n2", 1))
    case("rename exchange", lambda: flagged("n1", "n2", 2))


def attributes():
    case("chmod", lambda: os.chmod("file", 0o604))
    case("facts", lambda: facts("file"))
    case("chmod special", lambda: os.chmod("file", 0o6755))
    case("facts", lambda: facts("file"))
    case("chown clears special", lambda: os.chown("file", 3, 4))
    case("facts", lambda: facts("file"))
    case("chown group only", lambda: os.chown("file", -1, 9))
    case("facts", lambda: facts("file"))
    case("lchown of symlink", lambda: os.lchown("rd1/symbolic", 11, 12))
    case("facts of symlink", lambda: facts("rd1/symbolic"))
    case("chown of fifo", lambda: os.chown("rd1/fifo", 11, 12))
    case("facts of fifo", lambda: facts("rd1/fifo"))
    case("chmod missing", lambda: os.chmod("missing", 0o600))
    case("utime", lambda: os.utime("file", ns=(1_000_000_001, 2_000_000_000_123_456_789)))
    case("times", lambda: (os.stat("file").st_atime_ns, os.stat("file").st_mtime_ns))
    case("utime before 1970", lambda: os.utime("file", ns=(-5_000_000_000, -1_500_000_000)))
    case("times", lambda: (os.stat("file").st_atime_ns, os.stat("file").st_mtime_ns))
    case("utime of symlink", lambda: os.utime("rd1/symbolic", ns=(7, 8), follow_symlinks=False))
    case("times", lambda: os.lstat("rd1/symbolic").st_mtime_ns)
    case("utime of directory", lambda: os.utime("full", ns=(5, 6)))
    case("times", lambda: os.stat("full").st_mtime_ns)
    case("access", lambda: os.access("file", os.R_OK))
    case("statvfs", lambda: (os.statvfs(".").f_namemax, os.statvfs(".").f_bavail > 0))
    times_case("chmod", "file", lambda: os.chmod("file", 0o600))
    times_case("write", "file", lambda: write("file", b"more"))
    times_case("truncate", "file", lambda: os.truncate("file", 1))
    times_case("link", "file", lambda: os.link("file", "file-2"))
    times_case("unlink of second", "file", lambda: os.unlink("file-2"))
    times_case("rename of it", "rd1/fifo", lambda: os.chown("rd1/fifo", 1, 1))
    times_case("create in directory", "full", lambda: write("full/new"))
    times_case("unlink in directory", "full", lambda: os.unlink("full/new"))
    times_case("mkdir in directory", "full", lambda: os.mkdir("full/new"))
    times_case("rmdir in directory", "full", lambda: os.rmdir("full/new"))
    times_case("symlink in directory", "full", lambda: os.symlink("x", "full/new"))
    times_case("rename in directory", "full", lambda: os.rename("full/new", "full/newer"))
    times_case("read", "file", lambda: read("file"))
    times_case("setxattr", "file", lambda: os.setxattr("file", "user.t", b"1"))


def xattrs():
    case("set", lambda: os.setxattr("file", "user.a", b"value"))
    case("get", lambda: os.getxattr("file", "user.a"))
    case("set empty", lambda: os.setxattr("file", "user.empty", b""))
    case("get empty", lambda: os.getxattr("file", "user.empty"))
    case("set binary", lambda: os.setxattr("file", "user.binary", bytes(range(256))))
    case("get binary", lambda: len(os.getxattr("file", "user.binary")))
    case("create existing", lambda: os.setxattr("file", "user.a", b"v", os.XATTR_CREATE))
    case("replace missing", lambda: os.setxattr("file", "user.b", b"v", os.XATTR_REPLACE))
    case("get missing", lambda: os.getxattr("file", "user.b"))
    case("remove missing", lambda: os.removexattr("file", "user.b"))
    case("list", lambda: sorted(os.listxattr("file")))
    case("remove", lambda: os.removexattr("file", "user.a"))
    case("list", lambda: sorted(os.listxattr("file")))
    case("on directory", lambda: os.setxattr("full", "user.d", b"dir"))
    case("list of directory", lambda: sorted(os.listxattr("full")))
    case("list of fresh file", lambda: (write("fresh"), sorted(os.listxattr("fresh"))))
    case("trusted", lambda: os.setxattr("file", "trusted.own", b"t"))
    case("get trusted", lambda: os.getxattr("file", "trusted.own"))
    case("set trusted.gfid", lambda: os.setxattr("file", "trusted.gfid", b"0" * 16))
    case("remove trusted.gfid", lambda: os.removexattr("file", "trusted.gfid"))
    case("set volume id", lambda: os.setxattr(".", "trusted.glusterfs.volume-id", b"0" * 16))
    case("security", lambda: os.setxattr("file", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000")))
    case("get security", lambda: os.getxattr("file", "security.capability"))
    case("unknown namespace", lambda: os.setxattr("file", "nowhere.a", b"v"))
    case("name too long", lambda: os.setxattr("file", "user." + "n" * 300, b"v"))
    case("value of 60 kB", lambda: os.setxattr("file", "user.big", b"v" * 60000))
    case("get of 60 kB", lambda: len(os.getxattr("file", "user.big")))
    case("value of 70 kB", lambda: os.setxattr("file", "user.big", b"v" * 70000))
    case("on symlink", lambda: os.setxattr("rd1/symbolic", "trusted.s", b"v", follow_symlinks=False))
    case("get of symlink", lambda: os.getxattr("rd1/symbolic", "trusted.s", follow_symlinks=False))
    acl = bytes.fromhex("02000000" "01000700ffffffff" "02000600e8030000" "04000500ffffffff" "10000700ffffffff" "20000000ffffffff")
    case("set ACL", lambda: os.setxattr("file", "system.posix_acl_access", acl))
    case("get ACL", lambda: os.getxattr("file", "system.posix_acl_access").hex())
    case("mode with ACL", lambda: facts("file"))
    case("remove ACL", lambda: os.removexattr("file", "system.posix_acl_access"))
    case("default ACL", lambda: os.setxattr("full", "system.posix_acl_default", acl))
    case("file under default ACL", lambda: write("full/inherits"))
    case("its mode", lambda: facts("full/inherits"))
    case("directory under default ACL", lambda: os.mkdir("full/inherits-dir"))
    case("its mode", lambda: facts("full/inherits-dir"))
    case("its ACLs", lambda: [os.getxattr("full/inherits-dir", f"system.posix_acl_{kind}").hex()
                              for kind in ("access", "default")])
    case("fifo under default ACL", lambda: os.mkfifo("full/inherits-fifo"))
    case("its mode", lambda: facts("full/inherits-fifo"))
    case("default ACL on file", lambda: os.setxattr("file", "system.posix_acl_default", acl))


def permissions():
    os.mkdir("private", 0o700)
    write("private/secret", b"secret")
    os.mkdir("shared")
    os.chmod("shared", 0o1777)
    write("shared/of-root", b"root")
    os.mkdir("group")
    os.chown("group", 0, 2000)
    os.chmod("group", 0o770)
    user_case("open in private", lambda: read("private/secret"))
    user_case("list private", lambda: os.listdir("private"))
    user_case("create in private", lambda: write("private/mine"))
    user_case("create in shared", lambda: write("shared/mine"))
    print("facts of mine:", facts("shared/mine"))
    user_case("unlink root's in sticky", lambda: os.unlink("shared/of-root"))
    user_case("rename root's in sticky", lambda: os.rename("shared/of-root", "shared/taken"))
    user_case("write root's file", lambda: write("shared/of-root", b"x", os.O_WRONLY))
    user_case("read root's file", lambda: read("shared/of-root"))
    user_case("chmod root's file", lambda: os.chmod("shared/of-root", 0o777))
    user_case("chown own to root", lambda: os.chown("shared/mine", 0, 0))
    user_case("chgrp own to a group of one's own", lambda: os.chown("shared/mine", -1, 2000), groups=[2000])
    user_case("chgrp own to another", lambda: os.chown("shared/mine", -1, 2001))
    user_case("chmod own", lambda: os.chmod("shared/mine", 0o600))
    user_case("chmod setgid of a foreign group", lambda: os.chmod("shared/mine", 0o2755))
    print("facts of mine:", facts("shared/mine"))
    user_case("utime root's to now", lambda: os.utime("shared/of-root"))
    user_case("utime root's", lambda: os.utime("shared/of-root", ns=(1, 1)))
    user_case("utime own", lambda: os.utime("shared/mine", ns=(1, 1)))
    user_case("unlink own, other user", lambda: os.unlink("shared/mine"), uid=1001)
    user_case("unlink own", lambda: os.unlink("shared/mine"))
    user_case("enter group", lambda: write("group/file"), groups=[2000])
    user_case("enter group without it", lambda: write("group/file"))
    user_case("mkdir", lambda: os.mkdir("shared/dir"))
    user_case("mknod device", lambda: os.mknod("shared/dev", stat.S_IFCHR | 0o600, os.makedev(1, 3)))
    user_case("mkfifo", lambda: os.mkfifo("shared/fifo"))
    user_case("symlink", lambda: os.symlink("x", "shared/symlink"))
    user_case("link root's", lambda: os.link("shared/of-root", "shared/linked"))
    user_case("truncate root's", lambda: os.truncate("shared/of-root", 0))
    user_case("setxattr on root's", lambda: os.setxattr("shared/of-root", "user.x", b"1"))
    user_case("getxattr of root's", lambda: os.getxattr("shared/of-root", "user.x"))
    user_case("trusted", lambda: os.setxattr("shared/dir", "trusted.x", b"1"))
    user_case("listxattr", lambda: os.listxattr("shared/dir"))
    user_case("write clears setuid", lambda: suid_write())
    user_case("access of secret", lambda: os.access("private/secret", os.R_OK))
    user_case("rmdir root's empty in sticky", lambda: os.rmdir("shared/empty"))


def suid_write():
    write("shared/suid", b"x")
    os.chmod("shared/suid", 0o4755)
    write("shared/suid", b"y", os.O_WRONLY)
    return oct(os.stat("shared/suid").st_mode)


def listing():
    os.mkdir("many")
    for number in range(700):
        write(f"many/file-{number:04}-{'n' * (number % 60)}", b"")
    case("all are listed", lambda: len(set(os.listdir("many"))))
    case("types", lambda: sorted({entry.is_file() for entry in os.scandir("many")}))

    def removing():
        seen = 0
        for entry in os.scandir("many"):
            os.unlink(f"many/{entry.name}")
            seen += 1
        return seen, len(os.listdir("many"))

    case("unlink while listing", removing)
    case("rmdir after it", lambda: os.rmdir("many"))
    case("root has no own directory", lambda: ".glusterfs" in os.listdir("."))
    case("dot and dotdot", lambda: (os.stat(".").st_ino == os.stat("full/..").st_ino))
    deep = "/".join(["deep"] * 60)
    case("sixty levels", lambda: os.makedirs(deep))
    case("a file there", lambda: write(deep + "/file", b"bottom"))
    case("its content", lambda: read(deep + "/file"))


for group in (opens, data, entries, renames, attributes, xattrs, permissions, listing):
    print(f"== {group.__name__}")
    group()
