"""Break good files: bytes, numbers that claim much, JSON trees, words, and what a format allows.

Every function takes the content of a good file and a ``random.Random``, and returns other content:
the same for the same seed.
"""

from __future__ import annotations

import io
import json
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import h5py
import numpy as np

Mutation = Callable[[bytes, Random], bytes]
SMALL = (0, 1, 2, 3, 4, 5, 6, 7, 9, 14, 15, 17, 127, 255)
CLAIMS = (*SMALL, 2**15, 2**16 - 1, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 10**12)
LARGER = (*CLAIMS, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
HEADER = 400  # bytes at the beginning and the end that are hit more often than their share
MARKUP = "<img src=x onerror=alert(1)>"
DEEP = "@deep@"  # stands for brackets within brackets: too many of them for json.dumps
DEPTHS = (50, 900, 990, 3000, 100_000)
SECRET = 31337.0  # a number in a file that nobody may be led to: seen in what was read, it was

NASTY: tuple[Any, ...] = (
    None, True, False,
    "", MARKUP, "../../evil", "\x1b[31mred", "\ud800", "nan", "a\x00b", "x" * 5000,
    -1, 0, 1, 2, 10**12, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf"),
    [], {}, [1], {"a": 1}, [[0, 10**12]], DEEP,
)  # fmt: skip


class Evil:
    """Unpickled, it leaves a file in the working directory."""

    def __reduce__(self):
        return open, ("pwned", "w")


# --- Bytes ----------------------------------------------------------------------------------------


def _place(content: bytes, rng: Random) -> int:
    size = len(content)
    where = rng.random()
    if where < 0.4:
        return rng.randrange(min(size, HEADER))
    return size - 1 - rng.randrange(min(size, HEADER)) if where < 0.6 else rng.randrange(size)


def flip(content: bytes, rng: Random) -> bytes:
    """From one to eight bits."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        out[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def claim(content: bytes, rng: Random) -> bytes:
    """A number of one to eight bytes, often at a multiple of its width, becomes another one."""
    width = rng.choice((1, 2, 4, 4, 8, 8))
    order = rng.choice(("little", "big"))
    at = _place(content, rng)
    at -= at % width if rng.random() < 0.7 else 0
    value = rng.choice(LARGER) % (1 << 8 * width)
    return content[:at] + value.to_bytes(width, order) + content[at + width :]


def overwrite(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    count = rng.choice((1, 4, 16, 200))
    new = rng.choice((bytes(count), b"\xff" * count, rng.randbytes(count)))
    return content[:at] + new + content[at + count :]


def cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def extend(content: bytes, rng: Random) -> bytes:
    return content + rng.choice(
        (bytes(rng.randrange(1, 2000)), rng.randbytes(rng.randrange(1, 200)), content)
    )


def remove(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + rng.choice((1, 4, 8, 100, 1000)) :]


def repeat(content: bytes, rng: Random) -> bytes:
    at = _place(content, rng)
    count = rng.choice((1, 8, 64, 1000))
    return content[:at] + content[at : at + count] * rng.choice((2, 2, 30)) + content[at + count :]


def move(content: bytes, rng: Random) -> bytes:
    """A piece of the file is put over another one."""
    source = _place(content, rng)
    at = _place(content, rng)
    count = rng.choice((8, 64, 500))
    return content[:at] + content[source : source + count] + content[at + count :]


BYTES: tuple[Mutation, ...] = (  # those that come twice are drawn twice as often
    *(flip, flip, claim, claim),
    *(overwrite, cut, extend, remove, repeat, move),
)


def spoil(content: bytes, rng: Random) -> bytes:
    """One to three changes of bytes, whatever the format."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        if content:
            content = rng.choice(BYTES)(content, rng)
    return content


def splice(content: bytes, other: bytes, rng: Random) -> bytes:
    """The beginning of one good file and the end of another."""
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


def number(content: bytes, rng: Random) -> bytes:
    """Make a float of the payload NaN, infinite, or too large for single precision.

    It is written in single or double precision.
    """
    value = rng.choice((np.nan, np.inf, -np.inf, 1e38, 1e300))
    kind = rng.choice(("<f4", "<f8", "<f8"))
    with np.errstate(over="ignore"):
        raw = np.array(value, kind).tobytes()
    at = rng.randrange(len(content)) // 8 * 8
    return content[:at] + raw + content[at + len(raw) :]


# --- Text and trees -------------------------------------------------------------------------------


def tree(value: Any, rng: Random) -> Any:
    """One value of a JSON tree is replaced, taken out, or gets another name."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        rest = {k: v for k, v in value.items() if k != key}
        what = rng.random()
        if what < 0.1:
            return rest
        if what < 0.2:
            return rest | {rng.choice((MARKUP, "", "x", *value)): value[key]}
        return value | {key: tree(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = rng.randrange(len(value))
        what = rng.random()
        new = [] if what < 0.1 else [value[at]] * 2 if what < 0.2 else [tree(value[at], rng)]
        return [*value[:at], *new, *value[at + 1 :]]
    return rng.choice(NASTY)


def dumps(value: Any, rng: Random) -> str:
    """JSON text, with NaN and depth where the tree asks for them, and now and then a key twice."""
    text = json.dumps(value)
    depth = rng.choice(DEPTHS)
    text = text.replace(f'"{DEEP}"', "[" * depth + "]" * depth)
    keys = list(re.finditer(r'"(\w+)": ', text))
    if keys and rng.random() < 0.1:
        key = rng.choice(keys)
        again = f'"{key[1]}": {rng.choice(("null", "1", "[]"))}, '
        text = text[: key.start()] + again + text[key.start() :]
    return text


def json_file(content: bytes, rng: Random) -> bytes:
    value = json.loads(content)
    for _ in range(rng.choice((1, 1, 2))):
        value = tree(value, rng)
    return dumps(value, rng).encode(errors="surrogatepass")


WORDS = (
    "nan", "inf", "-1", "0", "1e999", "10" * 3000, "true", '""', "[]", "{}", "1979-05-27",
    "0x7fffffffffffffff", "'../../evil'", f'"{MARKUP}"', '"""', "[[[[", "[" * 3000, "[" * 100_000,
    "a." * 5000 + "a = 1", "{a={a={a=1}}}", "\x00", "\ud800", "é", "#", '"\\u001b[31m"', "[x]",
    "[[datasets]]", "[vary]", "seeds = 99999999", 'datasets = ["glyphs", "glyphs"]',
    "0x" + "f" * 5000,
    "%00", "%ff", "%3Cb%3E", "&", "=", "?", "&&&&", "1_000", "\N{ARABIC-INDIC DIGIT THREE}", " ",
)  # fmt: skip


def words(content: bytes, rng: Random) -> bytes:
    """Words of a text are replaced, inserted, taken out or repeated, and so are lines."""
    text = content.decode()
    for _ in range(rng.choice((1, 1, 2, 3))):
        parts = re.split(r"(\n)" if rng.random() < 0.2 else r"([\s=,&?\[\]{}]+)", text)
        at = rng.randrange(len(parts))
        word = rng.choice(WORDS)
        parts[at] = rng.choice(
            (word, word, word, parts[at] + word, "", parts[at] * 2, rng.choice(parts))
        )
        text = "".join(parts)
    return text.encode(errors="surrogatepass")


# --- .npy and .npz --------------------------------------------------------------------------------

SHAPES = (
    "(10**12, 4)", "(1000000000000, 4)", "(1000000000000,)",
    "(9223372036854775807, 9223372036854775807)", "(0, 1000000000000)", "(-1, 4)",
    "(4294967296, 4294967296)", "()", "(70,)", "(4, 70)", "(70, 4, 1)", "(True, 4)", "(70.0, 4)",
    "70", "None", "(" * 150 + "1" + ",)" * 150, "(" + "1, " * 3000 + ")",
    "__import__('os').system('touch pwned')",
)  # fmt: skip
TYPES = (
    "'|O'", "'O'", "'<U100000000'", "'<U0'", "'|S0'", "'|V0'", "'|V8'", "'<f4,<f4'",
    "[('a', '<f4')]", "('<f4', (1000000,))", "'<c8'", "'>f8'", "'<f2'", "'<i8'", "'|b1'",
    "'<M8[s]'", "'<f16'", "'<f4x'", "''", "None", "5", "[('a', '|O')]", "'|u1'", "'<U1'", "'|S4'",
)  # fmt: skip
WORDS_OF_A_HEADER = (  # each is replaced by the other
    ("False", "True"),
    ("False", "None"),
    ("'shape'", "'other'"),
    ("{", "{'a': 1, "),
)


def npy(content: bytes, rng: Random) -> bytes:
    """Change the header of an .npy file, or put in objects or numbers that are not finite."""
    start = 10 + int.from_bytes(content[8:10], "little")
    header = content[10:start].decode("latin-1")
    body = content[start:]
    what = rng.random()
    if what < 0.1:
        return pickled()
    if what < 0.25 and body:
        return content[:start] + number(body, rng)
    if what < 0.5:
        header = re.sub(r"'shape': \([^)]*\)", lambda _: f"'shape': {rng.choice(SHAPES)}", header)
    elif what < 0.8:
        header = re.sub(r"'descr': '[^']*'", lambda _: f"'descr': {rng.choice(TYPES)}", header)
    elif what < 0.9:
        old, new = rng.choice(WORDS_OF_A_HEADER)
        header = header.replace(old, new)
    else:
        header = rng.choice(
            ("{}", "", "[]", "{" * 400, header * 2, " " * 60_000, header.rstrip() + " " * 20_000)
        )
    version = rng.choice((1, 1, 1, 1, 2, 3, 9))
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode("latin-1") + body


def pickled() -> bytes:
    """An .npy file with one object, which leaves a file when it is unpickled."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": "|O", "fortran_order": False, "shape": (1,)}
    )
    return out.getvalue() + pickle.dumps(np.array([Evil()], object))


def in_npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


ODD_NAMES = (
    "../evil.npy",
    "../" * 8 + "tmp/evil.npy",
    "/evil.npy",
    "..\\evil.npy",
    " ",
    MARKUP,
    "x" * 60_000,
)


def _zeros(rng: Random) -> np.ndarray:
    """An array of up to five megabytes, which is packed into a few kilobytes."""
    kind = rng.choice(("|i1", "|b1", "<f4", "<f8", "<U9"))
    length = rng.choice((10**5, 10**6, 5 * 10**6))
    rows = length // np.dtype(kind).itemsize
    return np.zeros(rng.choice(((rows,), (rows, 1), (rows // 5, 5))), kind)


def npz(content: bytes, rng: Random) -> bytes:
    """A whole zip archive, checksums and all, of which one member is not what it should be."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    at = rng.randrange(len(members))
    name, data = members[at]
    what = rng.random()
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    if what < 0.4:
        members[at] = name, npy(data, rng)
    elif what < 0.5:
        members[at] = name, spoil(data, rng)
    elif what < 0.65:
        other = rng.choice((*ODD_NAMES, name.removesuffix(".npy"), members[0][0]))
        members.insert(at, (other, data))
    elif what < 0.75:
        members.pop(at)
    elif what < 0.9:
        members[at] = name, in_npy(_zeros(rng))
        method = zipfile.ZIP_DEFLATED
    else:
        method = rng.choice((zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    return zipped(members, method)


def zipped(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name twice is what was wanted
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


# --- MATLAB 5 -------------------------------------------------------------------------------------


def mat5(content: bytes, rng: Random) -> bytes:
    """Change one variable.

    Where it was packed it is packed again, so that its checksum is right.
    """
    order = "<" if content[126:128] == b"IM" else ">"
    variables = []
    at = 128
    while at + 8 <= len(content):
        kind, length = struct.unpack(order + "II", content[at : at + 8])
        variables.append((kind, content[at + 8 : at + 8 + length]))
        at += 8 + length
    which = rng.randrange(len(variables))
    what = rng.random()
    kind, body = variables[which]
    if what < 0.1:
        variables.insert(which, variables[rng.randrange(len(variables))])
    elif what < 0.15:
        variables.pop(which)
    else:
        inner = zlib.decompress(body) if kind == 15 else body
        change = _tag if what < 0.75 else number if what < 0.9 else spoil
        inner = change(inner, rng)
        variables[which] = kind, zlib.compress(inner) if kind == 15 else inner
    return content[:128] + b"".join(
        struct.pack(order + "II", kind, len(body)) + body for kind, body in variables
    )


def _tag(content: bytes, rng: Random) -> bytes:
    """One of the first numbers of four bytes: flags, dimensions, types, lengths."""
    at = 4 * rng.randrange(min(24, len(content) // 4))
    return content[:at] + struct.pack("<I", rng.choice(CLAIMS) % 2**32) + content[at + 4 :]


# --- HDF5 -----------------------------------------------------------------------------------------


def hdf5(content: bytes, rng: Random) -> bytes:
    """Put something else in place of an array of a well-formed HDF5 file.

    That may be a link, a claim, or a type that nobody expects.
    """
    image = io.BytesIO(content)
    with h5py.File(image, "r+") as file:
        key = rng.choice([name for name in file if not name.startswith("#")])
        if rng.random() < 0.15:
            _hdf5_attribute(file[key], rng)
        else:
            value = file[key][()]
            del file[key]
            rng.choice(HDF5)(file, key, value, rng)
    return image.getvalue()


def _hdf5_attribute(entry: h5py.Dataset, rng: Random) -> None:
    name = rng.choice(("MATLAB_class", "MATLAB_empty", "MATLAB_sparse", "MATLAB_int_decode"))
    classes = np.bytes_("char"), np.bytes_("cell"), np.bytes_("struct")
    entry.attrs[name] = rng.choice((*classes, 1, MARKUP, np.zeros(3), h5py.Empty("f4")))


def _link(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    options = (
        h5py.ExternalLink("../outside/secret.h5", "x"),
        h5py.ExternalLink("/dev/zero", "x"),
        h5py.SoftLink("/" + key),  # to itself
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink("/labels"),
    )
    file[key] = rng.choice(options)


def _elsewhere(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    """Kept in another file: as external storage, or as a virtual array."""
    if rng.random() < 0.5:
        file.create_dataset(
            key, shape=(70, 4), dtype="f8", external=[("../outside/secret.bin", 0, 2240)]
        )
        return
    layout = h5py.VirtualLayout((70, 4), "f8")
    layout[:] = h5py.VirtualSource("../outside/secret.h5", "x", (70, 4))
    file.create_virtual_dataset(key, layout)


def _huge(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    shape = rng.choice(((10**12, 4), (10**12,), (2**60,), (0, 10**12), (10**9, 1000)))
    if rng.random() < 0.3:  # in one piece that was never written
        space = h5py.h5s.create_simple(shape)
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
        h5py.h5d.create(file.id, key.encode(), h5py.h5t.IEEE_F64LE, space, properties)
        return
    most = rng.choice((100, 2**20))
    options = {
        "chunks": tuple(max(1, min(most, n)) for n in shape),
        "maxshape": (None,) * len(shape),
    }
    if rng.random() < 0.5:
        options["compression"] = "gzip"
    if len(shape) == 2:
        options["chunks"] = (options["chunks"][0], 1 + 3 * (shape[1] > 3))
    file.create_dataset(key, shape=shape, dtype="f8", fillvalue=rng.choice((0.0, 1.0)), **options)


def _bomb(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    rows = rng.choice((10**5, 10**6, 3 * 10**6))
    zeros = np.zeros((rows // 4, 4), rng.choice(("i1", "f4", "u2")))
    file.create_dataset(key, data=zeros, compression="gzip", chunks=True)


def _odd_type(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    array = rng.choice(
        (
            np.zeros(70, [("a", "f4"), ("b", "i4")]),
            np.zeros((70, 4), "c8"),
            np.zeros((70, 4), "V5"),
            np.array([b"\xff\xfe"] * 70, "S2"),
            h5py.Empty("f4"),
            np.float64(1),
            np.zeros((70, 4, 1)),
            np.full((70, 4), np.nan),
            np.full((70, 4), 1e300),
            np.zeros((0, 4)),
        )
    )
    file.create_dataset(key, data=array)


def _by_reference(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    """Cells with bad references: empty ones, to themselves, to a group or to a very large array."""
    file.require_group("#refs#")
    file.create_dataset("#refs#/much", shape=(10**11,), dtype="u2", chunks=(1000,))
    targets = (file["#refs#"].ref, file["#refs#/much"].ref, file["/"].ref, h5py.Reference())
    entry = file.create_dataset(key, (7, 1), h5py.ref_dtype)
    entry[...] = rng.choice((*targets, entry.ref))
    entry.attrs["MATLAB_class"] = np.bytes_("cell")


def _ragged(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    """Lengths that vary: numbers, or text, some of it of no encoding."""
    if rng.random() < 0.5:
        entry = file.create_dataset(key, (70,), h5py.vlen_dtype(np.float64))
        entry[0] = np.ones(1000)
    else:
        texts = rng.choice(([b"\xff\xfe"] * 7, [MARKUP] * 7, ["x" * 50_000] * 7))
        file.create_dataset(key, data=texts, dtype=h5py.string_dtype())


def _nested(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    """A group in place of an array, which is its own member."""
    group = file.create_group(key)
    group["again"] = group
    group.attrs["MATLAB_class"] = np.bytes_("struct")


def _stored_oddly(file: h5py.File, key: str, value: np.ndarray, rng: Random) -> None:
    options = (
        {"fletcher32": True},
        {"shuffle": True, "compression": "gzip"},
        {"compression": "lzf"},
        {"scaleoffset": 2},
    )
    shape = np.atleast_1d(value)
    if shape.dtype.kind in "iuf" and shape.size:
        file.create_dataset(key, data=shape, chunks=True, **rng.choice(options))
    else:
        file.create_dataset(key, data=np.zeros((70, 4)))


HDF5 = (
    _link,
    _elsewhere,
    _huge,
    _huge,
    _bomb,
    _odd_type,
    _odd_type,
    _by_reference,
    _ragged,
    _nested,
    _stored_oddly,
)


# --- safetensors ----------------------------------------------------------------------------------


WIDTHS = {  # bytes of a number
    "I32": 4,
    "U32": 4,
    "F64": 8,
    "F16": 2,
    "BF16": 2,
    "BOOL": 1,
    "F8_E4M3": 1,
    "I64": 8,
}


def safetensors(content: bytes, rng: Random) -> bytes:
    """Change the header, the settings within it, or a number.

    Lengths still fit, unless it is a length that is changed.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    body = content[start:]
    what = rng.random()
    if what < 0.15:
        return content[:start] + number(body, rng)
    if what < 0.3:
        header = _retyped(header, rng)
    elif what < 0.4:
        header["__metadata__"] = tree(header["__metadata__"], rng)
    elif what < 0.6:
        header = tree(header, rng)
    else:
        key = next(iter(header["__metadata__"]))
        settings = json.loads(header["__metadata__"][key])
        header["__metadata__"][key] = dumps(tree(settings, rng), rng)
    text = dumps(header, rng).encode(errors="surrogatepass")
    return len(text).to_bytes(8, "little") + text + body


def _retyped(header: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Give a tensor another type or shape, or exchange its bytes for those of another tensor."""
    name, other = rng.sample([key for key in header if key != "__metadata__"], 2)
    entry = dict(header[name])
    what = rng.random()
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    if what < 0.3:
        entry["dtype"] = rng.choice(tuple(WIDTHS))
        count = (end - start) // WIDTHS[entry["dtype"]]
        entry["shape"] = (
            [count // shape[0], shape[0]][::-1]
            if len(shape) == 2 and rng.random() < 0.7
            else [count]
        )
    elif what < 0.7:
        entry["shape"] = rng.choice((shape[::-1], [int(np.prod(shape))], [1, *shape], [*shape, 1]))
    else:
        return header | {name: header[other], other: header[name]}
    return header | {name: entry}
