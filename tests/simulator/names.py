"""Names and ids as Kubernetes and container runtimes make them."""

from __future__ import annotations

import uuid

import numpy as np

RANDOM_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of the random five at the end of a pod's name (no vowels, no 0, 1, 3)."""
HASH_ALPHABET = "456789bcdf"
"""Letters of a pod-template-hash."""


class Names:
    """A seeded source of names: the same seed gives the same names in the same order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def _letters(self, alphabet: str, length: int) -> str:
        return "".join(alphabet[i] for i in self._rng.integers(len(alphabet), size=length))

    def suffix(self) -> str:
        """The random five of a pod's name."""
        return self._letters(RANDOM_ALPHABET, 5)

    def template_hash(self) -> str:
        """A pod-template-hash of 8 to 10 letters."""
        return self._letters(HASH_ALPHABET, int(self._rng.integers(8, 11)))

    def uid(self) -> str:
        """An object's uid (a version 4 UUID)."""
        return str(uuid.UUID(bytes=self._rng.bytes(16), version=4))

    def container_id(self) -> str:
        """64 hexadecimal digits."""
        return self._rng.bytes(32).hex()
