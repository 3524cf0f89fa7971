"""The settings of this machine, read from GEODATA_* at each use, and where its files lie."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ByteSize, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tasks.core.model.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]
SQL = ROOT / "sql"
PREFIX = "GEODATA_"
Words = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(lambda text: text.split() if isinstance(text, str) else text),
]

Names = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(lambda text: text.replace(",", " ").split() if isinstance(text, str) else text),
]


class Settings(BaseSettings):
    """What can be set: each field is the variable of its name in capitals behind GEODATA_.

    An empty variable counts as not set.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    database_url: SecretStr | None = None
    """Database to publish in, as postgresql://user:password@host/name; without it that of a Prefect
    block, or a private local cluster."""
    database_block: str = ""
    """Name of a SqlAlchemyConnector block of prefect-sqlalchemy."""
    drill_database_url: SecretStr | None = None
    """Server for the throw-away database of a drill; without it that of the database."""
    archive: str = ""
    """fsspec location of the archive; without it a folder in the data folder."""
    archive_replicas: Words = ()
    """Further locations of the archive, separated by blanks."""
    data: Path = ROOT / "data"
    """Folder of all that this machine keeps."""
    inbox: Annotated[str, BeforeValidator(lambda place: place.rstrip("/"))] = ""
    """Folder or base URL of files that a person fetched past a bot wall, or from a portal without
    lasting addresses, as <source>-<vintage>.<container> (us-s1901-2023.text)."""
    inbox_first: Names = ()
    """Sources (us-s1901 or us-s1901-2023) of which a file in the inbox is taken before the
    publisher is asked, separated by blanks or commas."""
    upstream: Literal["", "archive"] = ""
    """archive: no publisher is asked, and the last archived originals are used (in an air gap)."""
    accept_shrink: Words = ()
    """SHA-256 of files that a person has reviewed although they are less than half of the last
    original, separated by blanks."""
    largest_download: ByteSize | None = None
    """Bytes that a download may have at most (20GiB); without it 8 times the last original, and
    16 GiB where there is none."""
    longest_download_hours: Annotated[float, Field(gt=0)] = 12.0
    """Hours after which a download that is still not whole is given up."""
    credentials: SecretStr = SecretStr("")
    """Addresses with their user and password, or their question with a token, separated by blanks
    (https://user:password@host/folder): what is asked below one of them is asked with these. No
    parameter and no declaration holds them."""
    site: str = ""
    """Place of the pages of the catalog: a folder, or an fsspec location (s3://bucket/folder);
    without it a folder in the data folder."""
    site_url: Annotated[str, BeforeValidator(lambda place: place.rstrip("/"))] = ""
    """Address at which people open the pages of the catalog (https://geodata.example); without it
    reports of runs lead to none."""
    revision: str = ""
    """Revision of the code, set in the image; in a checkout git is asked."""


def settings() -> Settings:
    """Read the settings; raises ConfigurationError naming the variables that cannot be used."""
    return _read(tuple(each for each in os.environ.items() if each[0].upper().startswith(PREFIX)))


@lru_cache(maxsize=4)
def _read(variables: tuple[tuple[str, str], ...]) -> Settings:
    """Read the settings once for these variables, which are those of the environment."""
    try:
        return Settings()
    except ValidationError as error:
        found = "; ".join(
            f"{PREFIX}{str(each['loc'][0]).upper()} is {_shown(each['input'])}"
            f" ({each['msg'][:1].lower()}{each['msg'][1:]})"
            for each in error.errors()
        )
        raise ConfigurationError(
            f"Settings that can be used were expected in the environment, found that {found}:"
            " correct or unset it."
        ) from None


def _shown(value: object) -> str:
    """Give a value as it is found, but nothing of what may be an address with a password."""
    return repr(value) if re.fullmatch(r"[\w .,-]{,40}", str(value)) else "something else"


def data_folder() -> Path:
    """Give the folder for everything this machine keeps, created when missing.

    Other accounts may only walk through a new one, as that of the database server has to.
    """
    folder = settings().data.absolute()
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    return folder


def scratch_folder() -> Path:
    """Give the folder for what can be made again: downloads in progress, unpacked members."""
    folder = data_folder() / "scratch"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def site_location() -> str:
    """Give the place of the pages of the catalog: a folder, or an fsspec location."""
    return settings().site or str(data_folder() / "site")


def archive_locations() -> tuple[str, ...]:
    """Give the fsspec locations of the archive, the primary first."""
    chosen = settings()
    return chosen.archive or str(data_folder() / "archive"), *chosen.archive_replicas
