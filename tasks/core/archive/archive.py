"""The archive: every original byte for byte under its SHA-256, in a primary location and its
replicas; nothing is overwritten, and nothing is removed but the bytes of originals that a law,
their source's declared number or a person gives an end.

originals/sha256/ab/<64 hexadecimal digits>            bytes as received
manifests/<shelf>/<vintage>/<UTC time>-<sha12>.json    what they are, where from, when
quarantine/<shelf>/<vintage>/<UTC time>-<sha12>.bin    bytes refused, with the reason in a .json
    beside them
editions/<dataset>/<vintage>/<number>-<time>.json      what was made of them
publications/<dataset>/<vintage>/<time>-<action>.json  which edition a person had shown again, or
    withdrawn
runs/<dataset>/<year>/<time>-<run>.json                every run, with what it asked the publishers
unusable/ab/<64 hexadecimal digits>-<UTC time>.json    which originals proved unusable when read
tombstones/ab/<64 hexadecimal digits>.json             what originals were whose bytes had to go
digests/sha256/ab/<64 hexadecimal digits>              row digests of a published table, named in
    the document of its edition
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.core.archive.archived_editions import ArchivedEditions
from tasks.core.archive.documents import Documents
from tasks.core.archive.hashed_files import DIGESTS, ORIGINALS, HashedFiles
from tasks.core.archive.manifests import Manifests
from tasks.core.archive.originals import Originals
from tasks.core.archive.proofs import Proofs
from tasks.core.archive.quarantine import Quarantine
from tasks.core.archive.replication import Locations
from tasks.core.archive.tombstones import Tombstones

REMEDY = (
    "Restore it from a backup, or remove its manifest so that the publisher is asked for it again"
)


class Archive:
    """An archive over its locations, by URL, the primary first. Writers return the locations that
    failed, for a warning; ConfigurationError is raised when none at all could do the work.

    locations: where it is. documents: all its JSON. manifests: which originals there ever were.
    originals: their bytes. tombstones: originals whose bytes had to go, and their burial.
    proofs: originals that proved unusable. quarantine: refused bytes. digests: row digests of
    published tables. editions: what was made.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.locations = Locations(urls)
        self.documents = Documents(self.locations)
        self.manifests = Manifests(self.documents)
        files = HashedFiles(self.locations, ORIGINALS, "original", REMEDY)
        self.tombstones = Tombstones(self.locations, self.documents, self.manifests, files)
        self.proofs = Proofs(self.documents, self.manifests)
        self.originals = Originals(files, self.manifests, self.tombstones, self.proofs)
        self.quarantine = Quarantine(self.locations, self.documents)
        self.digests = HashedFiles(self.locations, DIGESTS, "file of row digests")
        self.editions = ArchivedEditions(self.documents)
