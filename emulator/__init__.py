"""Emulated terminals 终端仿真: a stranger's implementation of GD/J 089-2018, and the test double of the suite."""
