"""Emulated terminals 终端仿真: a stranger's implementation of GD/J 089-2018, and the test double of the suite.

``terminal.Terminal`` is one terminal without I/O; ``fleet.Fleet`` runs thousands; ``cli.emulate`` is the command.
"""
