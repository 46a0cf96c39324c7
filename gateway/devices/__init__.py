"""Devices 设备接入: the listening ports, one connection for each device, and who speaks for which terminal.

``listeners.Listeners`` opens the ports of a ``hub.Hub``; ``events.TerminalEvents`` is what the layer above hands in to
be told. ``profiles`` reads how a kind of device speaks, ``trust`` whose signature a device's frame may carry.
"""
