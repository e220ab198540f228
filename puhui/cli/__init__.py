"""The command line (命令行): everything an operator does with a node, in one program."""

from puhui.cli.app import main

__all__ = ["main"]
