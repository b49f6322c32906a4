"""Directories: listing while they change, seekdir, types, inode numbers, sizes from none to many."""
import ctypes
import os

from judge import fill, fresh, KINDS, make, want

libc = ctypes.CDLL(None, use_errno=True)


class Dirent(ctypes.Structure):
    _fields_ = [("ino", ctypes.c_uint64), ("off", ctypes.c_int64), ("reclen", ctypes.c_uint16),
                ("type", ctypes.c_uint8), ("name", ctypes.c_char * 256)]


libc.opendir.restype = ctypes.c_void_p
libc.readdir64.restype = ctypes.POINTER(Dirent)
libc.telldir.restype = ctypes.c_long
for name in ("readdir64", "telldir", "closedir", "rewinddir"):
    getattr(libc, name).argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]


class Listing:
    def __init__(self, path):
        self.stream = libc.opendir(path.encode())

    def next(self):
        found = libc.readdir64(self.stream)
        return found.contents.name.decode() if found else None

    def rest(self):
        names = []
        while (name := self.next()) is not None:
            names.append(name)
        return names

    def tell(self):
        return libc.telldir(self.stream)

    def seek(self, place):
        libc.seekdir(self.stream, place)

    def rewind(self):
        libc.rewinddir(self.stream)

    def close(self):
        libc.closedir(self.stream)


def run():
    for count in (0, 1, 2, 40, 300, 2000):
        whole(count)
    changing()
    kinds()


def whole(count):
    home = make("directory")
    expected = sorted(f"entry-{number:05}" for number in range(count))
    for name in expected:
        make("symlink", f"{home}/{name}")
    want(f"{count} entries", lambda: sorted(os.listdir(home)), expected)
    listing = Listing(home)
    names = listing.rest()
    want(f"{count} entries with . and ..", lambda: sorted(names), sorted([".", "..", *expected]))
    want(f"nothing after the last of {count}", lambda: listing.next(), None)
    listing.rewind()
    want(f"{count} entries after rewinddir", lambda: listing.rest(), names)
    listing.rewind()
    places = []
    for name in names:
        places.append((listing.tell(), name))
        listing.next()
    for place, name in places[::-1][:: max(len(places) // 40, 1)]:
        listing.seek(place)
        want(f"seekdir among {count} to {names.index(name)}", lambda: listing.next(), name)
    if len(places) > 5:
        listing.seek(places[len(places) // 2][0])
        want(f"the rest after seekdir among {count}", lambda: listing.rest(), names[len(names) // 2:])
    listing.close()
    for name in expected[::2]:
        os.unlink(f"{home}/{name}")
    want(f"{count} entries without each second", lambda: sorted(os.listdir(home)), expected[1::2])
    want("rmdir of it", lambda: os.rmdir(home), "ENOTEMPTY" if count > 1 else None)


def changing():
    home = make("directory")
    expected = {f"stays-{number:04}" for number in range(1200)}
    for number in range(1200):
        make("symlink", f"{home}/stays-{number:04}")
        if number % 3 == 0:
            make("symlink", f"{home}/goes-{number:04}")
    listing = Listing(home)
    seen = []
    for number in range(1200):
        seen.append(listing.next())
        if number % 3 == 0:
            os.unlink(f"{home}/goes-{number:04}")
            make("symlink", f"{home}/comes-{number:04}")
    seen += listing.rest()
    stays = [name for name in seen if name and name.startswith("stays")]
    want("what stays is listed once while others go and come", lambda: (len(stays), set(stays) == expected), (1200, True))
    listing.close()
    want("nothing that went is listed later", lambda: [n for n in os.listdir(home) if n.startswith("goes")], [])
    # Removal of all entries by one reader, as rm -r does.
    listing = Listing(home)
    while (name := listing.next()) is not None:
        if name not in (".", ".."):
            os.unlink(f"{home}/{name}")
    listing.close()
    want("a directory emptied while it is listed", lambda: os.listdir(home), [])
    want("it can be removed", lambda: os.rmdir(home), None)


def kinds():
    home = make("directory")
    for kind in KINDS:
        make(kind, f"{home}/{kind}")
    found = {entry.name: entry for entry in os.scandir(home)}
    for kind in KINDS:
        status = os.lstat(f"{home}/{kind}")
        want(f"the inode number of a {kind} in its listing", lambda: found[kind].inode(), status.st_ino)
        want(f"the type of a {kind} in its listing",
             lambda: (found[kind].is_dir(follow_symlinks=False), found[kind].is_file(follow_symlinks=False),
                      found[kind].is_symlink()),
             (kind == "directory", kind == "regular", kind == "symlink"))
    inner = f"{home}/directory"
    want("the inode number of ..", lambda: os.stat(f"{inner}/..").st_ino == os.stat(home).st_ino, True)
    fill(f"{inner}/x")
    want("a directory's links", lambda: os.stat(home).st_nlink >= 2, True)
