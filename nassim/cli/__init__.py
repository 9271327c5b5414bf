"""The command line: parse, call, print. Commands load what they need when they are called."""

from nassim.cli.interrupting import interruptible


def main() -> None:
    """Run the command line; it ends the process."""
    with interruptible():
        from nassim.cli.commands import run_command  # with what parses it; a signal may come before

        run_command()


__all__ = ["main"]
