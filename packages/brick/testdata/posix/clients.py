"""What two clients of one volume see of each other; `there` is the same directory in another mount."""
import os
import subprocess
import sys
import time

from judge import fill, fresh, make, outcome, want

APPENDER = """
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
for number in range(150):
    os.write(fd, b"%s %04d\\n" % (sys.argv[2].encode(), number))
os.close(fd)
"""


def sees(call, expected):
    """Attributes are cached for a second."""
    found = None
    for _ in range(60):
        found = outcome(call)
        if found == expected:
            break
        time.sleep(0.1)
    return found


def run(there):
    appends(there)
    path = fill(fresh(), b"one")
    want("a new file", lambda: sees(lambda: open(f"{there}/{path}", "rb").read(), b"one"), b"one")
    fill(f"{there}/{path}", b"two and more")
    want("what the other wrote", lambda: sees(lambda: open(path, "rb").read(), b"two and more"), b"two and more")
    os.truncate(path, 3)
    want("a size that changed", lambda: sees(lambda: os.stat(f"{there}/{path}").st_size, 3), 3)
    os.chmod(path, 0o601)
    want("a mode that changed", lambda: sees(lambda: os.stat(f"{there}/{path}").st_mode & 0o777, 0o601), 0o601)
    os.setxattr(path, "user.a", b"1")
    want("an attribute", lambda: sees(lambda: os.getxattr(f"{there}/{path}", "user.a"), b"1"), b"1")
    os.rename(path, f"{path}-to")
    want("a new name", lambda: sees(lambda: os.stat(f"{there}/{path}-to").st_size, 3), 3)
    want("an old name", lambda: sees(lambda: os.stat(f"{there}/{path}").st_size, "ENOENT"), "ENOENT")
    fd = os.open(f"{there}/{path}-to", os.O_RDWR)
    os.unlink(f"{path}-to")
    want("a file that the other has open, and that is gone", lambda: os.pread(fd, 10, 0), b"two")
    want("it takes writes", lambda: (os.pwrite(fd, b"2", 0), os.pread(fd, 10, 0)), (1, b"2wo"))
    outcome(lambda: os.close(fd))
    home = make("directory")
    for number in range(40):
        fill(f"{home}/{number}")
    want("a directory", lambda: sees(lambda: len(os.listdir(f"{there}/{home}")), 40), 40)
    for number in range(40):
        os.unlink(f"{there}/{home}/{number}" if number % 2 else f"{home}/{number}")
    want("emptied by both", lambda: (sees(lambda: os.listdir(home), []), sees(lambda: os.listdir(f"{there}/{home}"), [])),
         ([], []))
    want("removed by the other", lambda: os.rmdir(f"{there}/{home}"), None)
    want("made anew by the first", lambda: sees(lambda: os.mkdir(home), None), None)
    exclusive(there)


def appends(there):
    path = fill(fresh("appended"), b"")
    time.sleep(1.1)
    writers = [subprocess.Popen([sys.executable, "-c", APPENDER, target, name])
               for target, name in ((path, "here"), (f"{there}/{path}", "there"))]
    codes = [writer.wait() for writer in writers]
    want("two clients append", lambda: codes, [0, 0])

    def lines():
        found = open(path, "rb").read().splitlines()
        return [sum(line.startswith(name) for line in found) for name in (b"here ", b"there ")]
    want("all that they appended is there", lambda: sees(lines, [150, 150]), [150, 150])


def exclusive(there):
    won = 0
    for number in range(40):
        name = fresh("exclusive")
        results = [outcome(lambda: os.close(os.open(f"{home}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)))
                   for home in ((".", there) if number % 2 else (there, "."))]
        won += results == [None, "EEXIST"]
    want("one of two makes a file with O_EXCL", lambda: won, 40)
