"""Turn what the libraries say of an unreadable archive into errors a person understands."""

from __future__ import annotations

import errno
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.core.model.errors import ConfigurationError, Damaged, SourceError

DAMAGE = (
    *(zipfile.BadZipFile, gzip.BadGzipFile, zlib.error),
    *(lzma.LZMAError, EOFError, struct.error, UnicodeError),  # the last: names that are no letters
)


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what the libraries say of a damaged or unknown archive into a SourceError."""
    try:
        yield
    except NotImplementedError as error:
        raise SourceError(
            f"The archive {label} is packed by a method that is not read here ({error}): unpack it,"
            " pack what is needed again as the source's container declares, lay it into the folder"
            " that GEODATA_INBOX names and name the source in GEODATA_INBOX_FIRST."
        ) from None
    except DAMAGE as error:
        raise damaged(label, error) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ConfigurationError(
                f"The disk was full while {label} was unpacked: free some space or set GEODATA_DATA"
                " to another disk."
            ) from None
        if error.errno not in (None, errno.EINVAL):
            raise
        # bz2 reports bad data without a number, a position before the file is EINVAL
        raise damaged(label, error) from None


def damaged(label: str, error: Exception) -> Damaged:
    """Make the error for an archive that cannot be read to its end."""
    reason = str(error) or type(error).__name__
    return Damaged(
        f"The archive {label} is damaged ({reason}): run the flow again, which asks the publisher"
        " afresh, and tell the publisher if it stays so."
    )


def encrypted(label: str) -> SourceError:
    """Make the error for an archive that asks for a password."""
    return SourceError(
        f"The archive {label} is encrypted, while open data have no password: look at what the"
        " publisher sent."
    )
