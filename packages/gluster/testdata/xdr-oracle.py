"""Reads lines "xdr-function hex", decodes the bytes with GlusterFS's own XDR library, encodes the
result again and prints "bytes-consumed hex". Prints "refused" when the library does not decode."""
import ctypes
import sys

tirpc = ctypes.CDLL("libtirpc.so.3", mode=ctypes.RTLD_GLOBAL)
library = ctypes.CDLL("libgfxdr.so.0")
ENCODE, DECODE = 0, 1
tirpc.xdrmem_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]


class Ops(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("getlong", "putlong", "getbytes", "putbytes", "getpos")]


class Stream(ctypes.Structure):
    _fields_ = [("op", ctypes.c_int), ("ops", ctypes.POINTER(Ops)), ("rest", ctypes.c_char * 256)]


def position(stream):
    getpos = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_void_p)(stream.ops.contents.getpos)
    return getpos(ctypes.addressof(stream))


for line in sys.stdin:
    name, text = (line.split() + [""])[:2]
    data = bytes.fromhex(text)
    function = getattr(library, "xdr_" + name)
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    function.restype = ctypes.c_int
    value = ctypes.create_string_buffer(8192)
    source = ctypes.create_string_buffer(data, max(len(data), 1))
    stream = Stream()
    tirpc.xdrmem_create(ctypes.addressof(stream), source, len(data), DECODE)
    if not function(ctypes.addressof(stream), value):
        print("refused", flush=True)
        continue
    used = position(stream)
    target = ctypes.create_string_buffer(len(data) + 4096)
    stream = Stream()
    tirpc.xdrmem_create(ctypes.addressof(stream), target, len(data) + 4096, ENCODE)
    if not function(ctypes.addressof(stream), value):
        print("refused", flush=True)
        continue
    print(used, target.raw[: position(stream)].hex(), flush=True)
