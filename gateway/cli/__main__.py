"""``python -m gateway.cli``: the command line without its script, as the demo starts the daemon."""

from gateway.cli import main

if __name__ == "__main__":
    main(prog_name="ebgw")
