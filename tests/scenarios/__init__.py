"""Whole runs of real processes: the daemon as it is started in service, and the emulator, over loopback."""
