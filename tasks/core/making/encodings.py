"""Encodings by any of their names, and the one that fits some bytes, of tables and layers alike."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

UTF_8 = "utf-8"
LIKELY = (UTF_8, "cp1252", "cp850", "cp1250", "cp1251")
C1 = re.compile("[\x80-\x9f]")  # control characters, which no text has
OTHER_NAMES = {
    **{"utf-8-sig": UTF_8, "cp65001": UTF_8},
    **{"ucs2": "utf-16", "ucs2le": "utf-16-le", "ucs2be": "utf-16-be", "unicode": "utf-16"},
    **{"windows31j": "cp932", "macintosh": "mac-roman", "xmacroman": "mac-roman"},
    **{f"latin{number}": f"iso8859-{part}" for number, part in ((9, 15), (10, 16))},
}


def codec_of(encoding: str) -> str:
    """Return Python's own name of an encoding, however it is spelt ("Latin 1", "CP-1252").

    Raises LookupError where it is none, or none of text ("base64").
    """
    close = re.sub(r"[^a-z0-9]", "", encoding.lower())
    split = re.sub(r"^utf(16|32)", r"utf-\1-", close)
    split = re.sub(r"^iso8859(?=\d)", "iso8859-", split)
    split = re.sub(r"^x?(?:cp|win)(?=\d)", "cp", split)
    for spelling in (encoding, close, split, OTHER_NAMES.get(close, close)):
        with suppress(LookupError):
            found = codecs.lookup(spelling).name
            "".encode(found)
            return OTHER_NAMES.get(found, found)
    raise LookupError(encoding)


def fitting_codec(text: bytes) -> str:
    """Name the first likely encoding that reads these bytes without a control character."""
    if b"\0" in text:
        return "utf-16"
    for encoding in LIKELY:
        with suppress(UnicodeDecodeError):
            if not C1.search(text.decode(encoding)):
                return encoding
    return "the publisher's encoding"
