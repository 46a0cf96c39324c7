"""``python -m emulator``."""

from emulator.cli import emulate

if __name__ == "__main__":
    emulate()
