"""One-byte codecs as tables of numpy, and Arrow text decoded by them at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.core.making.encodings import C1, UTF_8

STRANGE = 255  # the length of a byte that has no letter, or that is a control character


def table_of(codec: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]] | None:
    """Return the length in UTF-8 and the letter of each byte; None for a codec of several bytes."""
    letters = [bytes([byte]).decode(codec, "replace") for byte in range(256)]
    if codec == UTF_8 or bytes(range(128)).decode(codec, "replace") != "".join(letters[:128]):
        return None
    if codec in MULTIBYTE:
        return None
    strange = [letter == "\ufffd" or bool(C1.match(letter)) for letter in letters]
    lengths = [
        STRANGE if odd else len(letter.encode())
        for letter, odd in zip(letters, strange, strict=True)
    ]
    return np.array(lengths, np.uint8), np.array([ord(letter[0]) for letter in letters], np.uint32)


MULTIBYTE = {
    *("cp932", "cp936", "gbk", "gb2312", "gb18030", "hz", "cp949", "cp950", "big5", "big5hkscs"),
    *("shift_jis", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "euc_jisx0213"),
    *("euc_kr", "johab", "iso2022_jp", "iso2022_kr", "utf-7"),
}


def recoded(
    raw: pa.Array,
    bytes_of: npt.NDArray[np.uint8],
    lengths: npt.NDArray[np.uint8],
    letters: npt.NDArray[np.uint32],
) -> pa.Array:
    """Write one-byte text in UTF-8: each letter by the table, each end by the lengths before it."""
    data = letters[bytes_of].tobytes().decode("utf-32-le").encode()
    ends = np.concatenate([[0], np.cumsum(lengths[bytes_of], dtype=np.int64)])
    offsets = _offsets(raw)
    moved = ends[offsets - offsets[0]]
    text = pa.LargeStringArray.from_buffers(len(raw), pa.py_buffer(moved), pa.py_buffer(data))
    return pa.compute.if_else(raw.is_valid(), text, pa.scalar(None, text.type)).cast(pa.string())


def _offsets(raw: pa.Array) -> npt.NDArray[np.int64]:
    return np.frombuffer(raw.buffers()[1], np.int64)[raw.offset : raw.offset + len(raw) + 1]


def data_of(raw: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the bytes of all values, one after another."""
    if not len(raw) or raw.buffers()[2] is None:
        return np.empty(0, np.uint8)
    offsets = _offsets(raw)
    return np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]


def has_letters(raw: pa.Array, bytes_of: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell of each value whether it has a byte beyond ASCII."""
    counts = np.concatenate([[0], np.cumsum(bytes_of >= 0x80, dtype=np.int64)])
    offsets = _offsets(raw)
    return np.asarray(np.diff(counts[offsets - offsets[0]]) > 0)
