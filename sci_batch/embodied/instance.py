"""Instance types of the clouds: whose they are, and which family they belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

_PROVIDERS = {"aws": "aws", "gce": "gcp", "azure": "azure"}
"""Scheme of a node's `provider_id` to our word."""
_AWS = re.compile(r"([a-z][a-z0-9-]*)\.([a-z0-9-]+)")
_AZURE = re.compile(r"standard_([a-z]+)(\d+)(-\d+)?([a-z]*)((?:_[a-z0-9]+)*)")
_GCP = re.compile(r"([a-z]+\d+[a-z]?)-([a-z]+)(?:-\d+[a-z]?)*")
_SHAPES = {"azure": _AZURE, "aws": _AWS, "gcp": _GCP}


def providers(facts: pd.DataFrame) -> pd.Series:
    """`aws`, `azure`, `gcp` or another scheme of `provider_id`, else by the shape of the type; "" unknown.

    A private cloud may call its flavours as AWS does (`m1.large`): where the node says whose it is, that
    counts.
    """
    scheme = facts["provider_id"].str.partition(":")[0].str.lower()
    said = scheme.map(_PROVIDERS).where(scheme.isin(list(_PROVIDERS)), scheme)
    shapes = {text: by_shape(text) for text in facts["instance_type"].unique()}
    return said.where(said != "", facts["instance_type"].map(shapes)).astype("str")


def by_shape(instance_type: str) -> str:
    """The provider that names its types so.

    >>> by_shape("Standard_D4s_v3"), by_shape("m5.xlarge"), by_shape("n2-standard-4"), by_shape("k3s")
    ('azure', 'aws', 'gcp', '')
    """
    text = instance_type.lower()
    return next((name for name, shape in _SHAPES.items() if shape.fullmatch(text)), "")


@dataclass(frozen=True, slots=True)
class Constrained:
    """An Azure size with fewer vCPUs than the part of the host it reserves."""

    parent: str
    vcpus: int
    """Of the parent."""


def constrained(instance_type: str) -> Constrained | None:
    """`Standard_E16-4as_v4` reserves what `Standard_E16as_v4` does: 16 vCPUs.

    >>> constrained("Standard_E16-4as_v4")
    Constrained(parent='standard_e16as_v4', vcpus=16)
    """
    match = _AZURE.fullmatch(instance_type.lower())
    if match is None or match[3] is None:
        return None
    letters, size, _, suffix, version = match.groups()
    return Constrained(f"standard_{letters}{size}{suffix}{version}", int(size))


def families(provider: str, instance_type: str) -> tuple[str, ...]:
    """Families of a type, the narrowest first; the last is its class, such as general purpose.

    >>> families("aws", "m7i.2xlarge"), families("azure", "Standard_D4s_v5")
    (('m7i', 'm'), ('d#s_v5', 'd'))
    >>> families("gcp", "n2-custom-4-8192")
    ('n2-custom', 'n2', 'n')
    """
    text = instance_type.lower()
    if provider == "aws" and (match := _AWS.fullmatch(text)):
        return match[1], re.split(r"[^a-z]", match[1])[0]
    if provider == "azure" and (match := _AZURE.fullmatch(text)):
        return f"{match[1]}#{match[4]}{match[5]}", match[1]
    if provider == "gcp":
        text = f"n1-{text}" if text.startswith("custom-") else text
        if match := _GCP.fullmatch(text):
            return f"{match[1]}-{match[2]}", match[1], re.split(r"\d", match[1])[0]
    return ()
