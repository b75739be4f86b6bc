"""The smallest program with two commands: what typer and rich cost whoever uses them."""

import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Say hello."""
    typer.echo(f"hello {name}")


@app.command()
def goodbye(name: str, formal: bool = False) -> None:
    """Say goodbye."""
    typer.echo(f"{'goodbye' if formal else 'bye'} {name}")


if __name__ == "__main__":
    app()
