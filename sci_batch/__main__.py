"""`python -m sci_batch` is `sci-batch`."""

from sci_batch.cli.main import run

if __name__ == "__main__":
    run()
