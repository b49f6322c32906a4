"""Reading, writing, holes, allocation, mapping, copying; offsets from zero to the largest."""
import ctypes
import fcntl
import hashlib
import mmap
import os
import random
import subprocess

from judge import acting, fill, fresh, make, moves, OTHER, OWNER, succeeds, want

libc = ctypes.CDLL(None, use_errno=True)
KEEP, PUNCH, COLLAPSE, ZERO, INSERT = 1, 2, 8, 16, 32
GIB = 1 << 30


def fallocate(fd, mode, offset, length):
    if libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")
    return os.fstat(fd).st_size


def run():
    open_flags()
    offsets()
    appending()
    holes()
    allocation()
    copies()
    mapping()
    nameless()
    running()
    sizes()


def open_flags():
    path = fill(fresh())
    want("O_NOFOLLOW of a link", lambda: os.open(make("symlink"), os.O_RDONLY | os.O_NOFOLLOW), "ELOOP")
    want("O_DIRECTORY of a file", lambda: os.open(path, os.O_DIRECTORY), "ENOTDIR")
    want("a directory for writing", lambda: os.open(".", os.O_RDWR), "EISDIR")
    want("a directory with O_CREAT", lambda: os.open(make("directory"), os.O_RDONLY | os.O_CREAT), "EISDIR")
    want("a fifo without reader", lambda: os.open(make("fifo"), os.O_WRONLY | os.O_NONBLOCK), "ENXIO")
    want("a socket", lambda: os.open(make("socket"), os.O_RDONLY), "ENXIO")
    want("O_EXCL over a dangling link", lambda: os.open(make("symlink"), os.O_CREAT | os.O_EXCL | os.O_WRONLY), "EEXIST")
    link, target = fresh("link"), fresh("target")
    os.symlink(target, link)
    os.close(os.open(link, os.O_CREAT | os.O_WRONLY))
    want("O_CREAT through a dangling link", lambda: os.stat(target).st_size, 0)
    want("O_TRUNC", lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)) or os.stat(path).st_size, 0)
    for mode in (0o000, 0o200, 0o400):
        def made():
            fd = os.open(fresh("own"), os.O_CREAT | os.O_RDWR, mode)
            count = os.write(fd, b"abc")
            found = os.pread(fd, 5, 0)
            os.close(fd)
            return count, found
        want(f"a new file of mode {mode:o} is open for its maker", acting(OWNER, made), (3, b"abc"))
    for flag in ("O_SYNC", "O_DSYNC", "O_APPEND", "O_NONBLOCK", "O_NOATIME", "O_CLOEXEC"):
        fd = os.open(fresh(flag), os.O_CREAT | os.O_RDWR | getattr(os, flag))
        want(f"{flag}: writes and reads", lambda: (os.write(fd, b"abc"), os.pread(fd, 5, 0)), (3, b"abc"))
        succeeds(f"{flag}: fsync and fdatasync", lambda: (os.fsync(fd), os.fdatasync(fd)))
        os.close(fd)
    fd = os.open(path, os.O_RDONLY)
    want("write to what is open for reading", lambda: os.write(fd, b"x"), "EBADF")
    os.close(fd)
    fd = os.open(path, os.O_WRONLY)
    want("read of what is open for writing", lambda: os.read(fd, 1), "EBADF")
    os.close(fd)
    os.fsync(os.open(".", os.O_RDONLY))


def offsets():
    path = fresh()
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    for offset in (0, 1, 4095, 4096, 131_071, 131_072, GIB, 2 * GIB - 1, 4 * GIB - 3, 4 * GIB, 5 * GIB + 7, 1 << 40):
        want(f"write at {offset}", lambda: os.pwrite(fd, b"mark%d" % offset, offset), 4 + len(str(offset)))
        want(f"read at {offset}", lambda: os.pread(fd, 4 + len(str(offset)), offset), b"mark%d" % offset)
        want(f"read across the end at {offset}", lambda: len(os.pread(fd, 1000, offset)), 4 + len(str(offset)))
        want(f"size after {offset}", lambda: os.fstat(fd).st_size, offset + 4 + len(str(offset)))
    want("read far beyond the end", lambda: os.pread(fd, 10, 1 << 60), b"")
    want("read at the end", lambda: os.pread(fd, 10, os.fstat(fd).st_size), b"")
    want("write beyond all sizes", lambda: os.pwrite(fd, b"x", 2**63 - 1), "EFBIG", "EINVAL")
    want("read below 0", lambda: os.pread(fd, 1, -1), "EINVAL")
    os.close(fd)
    os.unlink(path)


def appending():
    path = fresh()
    first = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    second = os.open(path, os.O_WRONLY | os.O_APPEND)
    for number in range(50):
        os.write(first if number % 2 else second, b"%04d" % number)
    want("two descriptors append in turn", lambda: open(path, "rb").read(), b"".join(b"%04d" % n for n in range(50)))
    os.lseek(first, 0, os.SEEK_SET)
    os.write(first, b"last")
    want("a position does not count", lambda: open(path, "rb").read()[-4:], b"last")
    os.truncate(path, 4)
    os.write(second, b"next")
    want("appended after a truncate", lambda: open(path, "rb").read(), b"0000next")
    os.close(first)
    os.close(second)


def holes():
    path = fresh()
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    for at in (1 << 20, 3 << 20, 8 << 20):
        os.pwrite(fd, b"d" * 65536, at)
    os.fsync(fd)
    for start, data, hole in ((0, 1 << 20, 0), (1 << 20, 1 << 20, (1 << 20) + 65536),
                              ((1 << 20) + 65536, 3 << 20, (1 << 20) + 65536), (5 << 20, 8 << 20, 5 << 20)):
        want(f"SEEK_DATA from {start}", lambda: os.lseek(fd, start, os.SEEK_DATA), data)
        want(f"SEEK_HOLE from {start}", lambda: os.lseek(fd, start, os.SEEK_HOLE), hole)
    end = (8 << 20) + 65536
    want("SEEK_HOLE in the last data", lambda: os.lseek(fd, end - 1, os.SEEK_HOLE), end)
    want("SEEK_DATA at the end", lambda: os.lseek(fd, end, os.SEEK_DATA), "ENXIO")
    want("SEEK_HOLE beyond the end", lambda: os.lseek(fd, end + 1, os.SEEK_HOLE), "ENXIO")
    want("SEEK_END", lambda: os.lseek(fd, 0, os.SEEK_END), end)
    want("a hole reads zeros", lambda: os.pread(fd, 100, 2 << 20), bytes(100))
    want("blocks of a sparse file", lambda: os.fstat(fd).st_blocks * 512 < 4 << 20, True)
    os.close(fd)


def allocation():
    path = fresh()
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    want("fallocate grows", lambda: fallocate(fd, 0, 0, 1 << 20), 1 << 20)
    want("its blocks are there", lambda: os.fstat(fd).st_blocks * 512 >= 1 << 20, True)
    want("they read zeros", lambda: os.pread(fd, 10, 1000), bytes(10))
    want("KEEP_SIZE keeps it", lambda: fallocate(fd, KEEP, 1 << 20, 1 << 20), 1 << 20)
    os.pwrite(fd, b"Z" * (1 << 20), 0)
    want("PUNCH_HOLE keeps the size", lambda: fallocate(fd, PUNCH | KEEP, 4096, 8192), 1 << 20)
    want("what is punched", lambda: os.pread(fd, 4, 4096 - 2), b"ZZ\0\0")
    want("and its end", lambda: os.pread(fd, 4, 4096 + 8192 - 2), b"\0\0ZZ")
    want("a hole of odd bounds", lambda: fallocate(fd, PUNCH | KEEP, 100_001, 777), 1 << 20)
    want("what it leaves", lambda: os.pread(fd, 781, 100_001 - 2), b"ZZ" + bytes(777) + b"ZZ")
    want("PUNCH_HOLE without KEEP_SIZE", lambda: fallocate(fd, PUNCH, 0, 4096), "EOPNOTSUPP")
    want("ZERO_RANGE", lambda: fallocate(fd, ZERO, 200_000, 5000), 1 << 20)
    want("what is zeroed", lambda: os.pread(fd, 5004, 200_000 - 2), b"ZZ" + bytes(5000) + b"ZZ")
    want("ZERO_RANGE grows", lambda: fallocate(fd, ZERO, 1 << 20, 4096), (1 << 20) + 4096)
    want("ZERO_RANGE with KEEP_SIZE", lambda: fallocate(fd, ZERO | KEEP, 2 << 20, 4096), (1 << 20) + 4096)
    want("of nothing", lambda: fallocate(fd, 0, 0, 0), "EINVAL")
    want("below 0", lambda: fallocate(fd, 0, -1, 10), "EINVAL")
    want("beyond all sizes", lambda: fallocate(fd, 0, 2**63 - 10, 100), "EFBIG")
    want("more than there is", lambda: fallocate(fd, 0, 0, 1 << 45), "ENOSPC")
    want("COLLAPSE_RANGE", lambda: fallocate(fd, COLLAPSE, 4096, 4096), 1 << 20)
    want("INSERT_RANGE", lambda: fallocate(fd, INSERT, 4096, 4096), (1 << 20) + 4096)
    moves("fallocate moves the change time", path, lambda: fallocate(fd, 0, 0, 2 << 20), "c", "c")
    want("posix_fallocate", lambda: (os.posix_fallocate(fd, 0, 3 << 20), os.fstat(fd).st_size)[1], 3 << 20)
    os.close(fd)
    fd = os.open(path, os.O_RDONLY)
    want("of what is open for reading", lambda: fallocate(fd, 0, 0, 1), "EBADF")
    os.close(fd)


def copies():
    source, target = fresh(), fresh()
    data = random.Random(1).randbytes(700_000)
    fill(source, data)
    first, second = os.open(source, os.O_RDONLY), os.open(target, os.O_CREAT | os.O_RDWR)
    want("copy_file_range", lambda: os.copy_file_range(first, second, 300_000, 1000, 5000), 300_000)
    want("what it copied", lambda: os.pread(second, 300_000, 5000) == data[1000:301_000], True)
    want("beyond the end", lambda: os.copy_file_range(first, second, 100, 800_000, 0), 0)
    want("up to the end", lambda: os.copy_file_range(first, second, 1000, 699_900, 0), 100)
    want("sendfile", lambda: os.sendfile(second, first, 0, 500_000) > 0, True)
    want("within one file", lambda: os.copy_file_range(second, second, 1000, 0, 900_000), 1000)
    want("overlapping", lambda: os.copy_file_range(second, second, 1000, 0, 500), "EINVAL")
    os.close(first)
    os.close(second)
    vectors = [bytearray(1000), bytearray(5), bytearray(100_000)]
    fd = os.open(source, os.O_RDWR)
    want("preadv", lambda: os.preadv(fd, vectors, 77), 101_005)
    want("what it read", lambda: b"".join(vectors) == data[77:101_082], True)
    want("pwritev", lambda: os.pwritev(fd, [b"one", b"two", b"three"], 10), 11)
    want("what it wrote", lambda: os.pread(fd, 11, 10), b"onetwothree")
    os.close(fd)


def mapping():
    path = fill(fresh(), bytes(200_000))
    fd = os.open(path, os.O_RDWR)
    with mmap.mmap(fd, 200_000) as area:
        area[100:105] = b"map 1"
        area[150_000:150_005] = b"map 2"
        area.flush()
        want("what was mapped is read", lambda: os.pread(fd, 5, 100), b"map 1")
        os.pwrite(fd, b"written", 8000)
        want("what was written is in the map", lambda: area[8000:8007], b"written")
    os.close(fd)
    want("it is in the file", lambda: open(path, "rb").read()[150_000:150_005], b"map 2")
    fd = os.open(path, os.O_RDONLY)
    want("a shared map for writing of what is open for reading",
         lambda: mmap.mmap(fd, 4096, prot=mmap.PROT_WRITE), "EACCES")
    os.close(fd)


def nameless():
    path = fresh()
    fd = os.open(path, os.O_CREAT | os.O_RDWR)
    os.write(fd, b"before")
    os.unlink(path)
    want("an open file without a name", lambda: (os.write(fd, b" after"), os.pread(fd, 20, 0)), (6, b"before after"))
    want("its links", lambda: os.fstat(fd).st_nlink, 0)
    want("its size", lambda: os.fstat(fd).st_size, 12)
    succeeds("its truncate", lambda: os.ftruncate(fd, 3))
    succeeds("its mode, owner, times", lambda: (os.fchmod(fd, 0o600), os.fchown(fd, 1, 2), os.utime(fd, ns=(1, 2))))
    found = os.fstat(fd)
    want("what they are", lambda: (found.st_mode & 0o777, found.st_uid, found.st_mtime_ns, found.st_size),
         (0o600, 1, 2, 3))
    succeeds("its sync", lambda: os.fsync(fd))
    fill(path, b"another")
    want("another file of its name", lambda: (open(path, "rb").read(), os.pread(fd, 10, 0)), (b"another", b"bef"))
    os.close(fd)
    second = fill(fresh(), b"x")
    os.link(second, f"{second}-2")
    fd = os.open(second, os.O_RDONLY)
    os.unlink(second)
    os.unlink(f"{second}-2")
    want("a file that lost two names", lambda: (os.pread(fd, 4, 0), os.fstat(fd).st_nlink), (b"x", 0))
    os.close(fd)


def running():
    path = fresh("program")
    fill(path, open("/bin/sleep", "rb").read())
    os.chmod(path, 0o755)
    child = subprocess.Popen([f"./{path}", "20"])
    try:
        want("writing to a program that runs", lambda: os.open(path, os.O_WRONLY), "ETXTBSY")
        want("truncating it", lambda: os.truncate(path, 0), "ETXTBSY")
    finally:
        child.kill()
        child.wait()
    fd = os.open(path, os.O_RDWR)
    want("running what is open for writing", lambda: subprocess.run([f"./{path}", "0"]), "ETXTBSY")
    os.close(fd)
    want("running it", lambda: subprocess.run([f"./{path}", "0"]).returncode, 0)
    os.chmod(path, 0o644)
    want("running what nobody may run", lambda: subprocess.run([f"./{path}", "0"]), "EACCES")


def sizes():
    """Whole files of many sizes, written and read in many pieces."""
    source = random.Random(7)
    for size in (1, 511, 4096, 4097, 65_535, 131_072, 131_073, 1_000_003):
        data = source.randbytes(size)
        for piece in (size, 1000, 65_536):
            if piece < 1000 or size // piece > 200:
                continue
            path = fresh()
            fd = os.open(path, os.O_CREAT | os.O_RDWR)
            for at in range(0, size, piece):
                os.write(fd, data[at:at + piece])
            os.close(fd)
            want(f"{size} bytes written {piece} at a time",
                 lambda: hashlib.md5(open(path, "rb").read()).digest(), hashlib.md5(data).digest())
