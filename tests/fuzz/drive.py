"""One kind of input, searched by atheris: `python -m tests.fuzz.drive NAME SECONDS FOLDER`.

A finding does not stop the search: the first input of each is kept in the folder, named after the place it
was raised at. What hangs for 20 s, or takes 2 GB of memory, ends the process.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path

LONGEST_BYTES = 20_000


def main(name: str, seconds: int, folder: Path) -> None:
    """Search until the time is over; atheris ends the process."""
    import atheris  # no part of the environment that the tests run in

    with atheris.instrument_imports(include=["sci_batch"]):
        from tests.fuzz.seeds import NONSENSE
        from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    dictionary = folder / "words.txt"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in NONSENSE if len(word) < 60))
    warnings.simplefilter("error")

    def once(data: bytes) -> None:
        try:
            target.judge(data)
        except Exception as error:  # whatever comes here is a finding
            _keep(error, data, folder)

    atheris.Setup(
        [sys.argv[0], str(corpus), f"-dict={dictionary}", f"-max_total_time={seconds}", "-timeout=20",
         "-rss_limit_mb=2500", f"-max_len={LONGEST_BYTES}", f"-artifact_prefix={folder}/hang-",
         "-print_final_stats=1"],
        once,
    )  # fmt: skip
    atheris.Fuzz()


def _keep(error: Exception, data: bytes, folder: Path) -> None:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = f"finding-{type(error).__name__}-{Path(frame.filename).stem}-{frame.lineno}"
    if not (folder / name).exists():
        (folder / name).write_bytes(data)
        (folder / f"{name}.txt").write_text("".join(traceback.format_exception(error)), errors="replace")


def _escaped(word: bytes) -> str:
    return "".join(chr(byte) if 32 < byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
