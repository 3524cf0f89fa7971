"""Datasets of portals, in JSON: data.gouv.fr (https://www.data.gouv.fr/api/1/) and OGD Austria
(OGD Austria Metadata, https://www.data.gv.at).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tasks.core.upstream.listings import listed
from tasks.core.upstream.listings.documents import Inquiry, require_no_page
from tasks.core.upstream.listings.listed import Listed, Unusable


def french(inquiry: Inquiry) -> Iterator[Listed]:
    """Give the resources of a dataset of data.gouv.fr by their lasting addresses."""
    dataset, base = _dataset(inquiry)
    for resource in dataset["resources"]:
        if url := listed.address(resource.get("latest") or resource.get("url"), base):
            yield Listed(
                url=url,
                title=listed.words(resource.get("title")),
                issued=listed.moment(resource.get("published") or resource.get("created_at")),
                modified=listed.moment(resource.get("last_modified")),
                licence=listed.words(dataset.get("license")),
                size=listed.size(resource.get("filesize")),
            )


def austrian(inquiry: Inquiry) -> Iterator[Listed]:
    """Give the resources of a dataset; what they do not say of changes, the dataset does."""
    dataset, base = _dataset(inquiry)
    extras = dataset.get("extras")
    changed = extras.get("metadata_modified") if isinstance(extras, dict) else None
    for resource in dataset["resources"]:
        if url := listed.address(resource.get("url"), base):
            yield Listed(
                url=url,
                title=listed.words(resource.get("name")),
                issued=listed.moment(resource.get("created")),
                modified=listed.moment(resource.get("last_modified")) or listed.moment(changed),
                licence=listed.words(dataset.get("license")),
                size=listed.size(resource.get("size")),
            )


def _dataset(inquiry: Inquiry) -> tuple[dict[str, Any], str]:
    """Ask for a dataset; gives it with the address that addresses in it are relative to."""
    document = inquiry.document(inquiry.url)
    require_no_page(document.content)
    dataset = json.loads(document.content.decode("utf-8-sig"))
    resources = dataset.get("resources") if isinstance(dataset, dict) else None
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        raise Unusable("it is no object with a list of resources")
    return dataset, document.base
