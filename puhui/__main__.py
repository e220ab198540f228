"""``python -m puhui`` is the command line."""

from puhui.cli import main

if __name__ == "__main__":
    main()
