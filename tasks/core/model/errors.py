"""The errors of geodata-flows.

GeodataError
├── SourceError          the publisher's file is not what was declared: gone, refused, malformed
│   └── Damaged          the file is broken in itself: the publisher is asked for it afresh
├── CheckFailed          the data contradict a declaration: a count, a key, a total, a tolerance
├── ConfigurationError   this machine or its settings cannot do the work
│   └── Refused          a disk, or a store with our credentials, refuses until a person mends it
└── WorkLost             what a run had made was lost or changed under it: begun again, it succeeds

A message is one finished sentence: what, expected this, found that, where, and what to do.
"""


class GeodataError(Exception):
    """Any failure this project explains to a person."""


class SourceError(GeodataError):
    """The publisher's file is missing, refused or not in the declared format."""


class Damaged(SourceError):
    """The publisher's file is broken in itself: no declaration can make it readable."""


class CheckFailed(GeodataError):
    """The data contradict what was declared about them; nothing was published."""


class ConfigurationError(GeodataError):
    """The machine, the database or a setting does not allow the work."""


class Refused(ConfigurationError):
    """A disk, or a store with our credentials, refuses; asking again later heals nothing."""


class WorkLost(GeodataError):
    """What a run had made was lost or changed under it; a run begun again makes it anew."""
