"""Whom automations tell: a Webhook block, chosen by a Prefect variable.

GEODATA_WEBHOOK_URL      address that takes {"text": …} by POST (Slack, Mattermost, Teams workflows,
    an own service); kept as a secret
geodata_webhook_block    Prefect variable with the name of the Webhook block to use; a person may
    change it in the UI
"""

from __future__ import annotations

import os
import re
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import VariableCreate
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from pydantic import SecretStr

from tasks.core.model.errors import ConfigurationError
from workspace.changes import Change

BLOCK = "geodata-webhook"
JSON = SecretDict({"Content-Type": "application/json"})
VARIABLE = "geodata_webhook_block"


def set_up(client: SyncPrefectClient) -> list[Change]:
    """Create the variable when it is missing, and the block when an address is given and
    differs.
    """
    changes = [_set_up_variable(client)]
    if address := os.environ.get("GEODATA_WEBHOOK_URL", "").strip():
        require_address(address)
        changes.append(_set_up_block(client, address))
    return changes


def require_address(address: str) -> None:
    """Raise ConfigurationError, which shows nothing of it, where nobody can be told by an address:
    the server would take it, and every automation fail in silence.
    """
    if not re.fullmatch(r"https?://[^/\s?#]+([/?#]\S*)?", address):
        raise ConfigurationError(
            "GEODATA_WEBHOOK_URL was expected to be an address such as https://hooks.example/…,"
            " found something else: give it whole, with https:// and without blanks."
        )


def block_id(client: SyncPrefectClient) -> UUID | None:
    """The block that automations call; None when nobody has given one yet."""
    variable = client.read_variable_by_name(VARIABLE)
    name = str(variable.value) if variable else BLOCK
    try:
        return client.read_block_document_by_name(name, block_type_slug="webhook").id
    except ObjectNotFound:
        if name == BLOCK:
            return None
    raise ConfigurationError(
        f"The Prefect variable {VARIABLE} names the Webhook block {name!r}, and the server has no"
        f" such block: create it, or set the variable to {BLOCK!r}."
    )


def _set_up_variable(client: SyncPrefectClient) -> Change:
    if client.read_variable_by_name(VARIABLE):
        return Change("variable", VARIABLE, "unchanged")
    client.create_variable(VariableCreate(name=VARIABLE, value=BLOCK))
    return Change("variable", VARIABLE, "created")


def _set_up_block(client: SyncPrefectClient, address: str) -> Change:
    """The block's address is a secret: the server gives it to those who may read secrets, and it is
    never printed.
    """
    try:
        found = client.read_block_document_by_name(
            BLOCK, block_type_slug="webhook", include_secrets=True
        )
    except ObjectNotFound:
        _save(address)
        return Change("webhook block", BLOCK, "created")
    if found.data.get("url") == address:
        return Change("webhook block", BLOCK, "unchanged")
    _save(address)
    return Change("webhook block", BLOCK, "updated")


def _save(address: str) -> None:
    Webhook(method="POST", url=SecretStr(address), headers=JSON).save(BLOCK, overwrite=True)
