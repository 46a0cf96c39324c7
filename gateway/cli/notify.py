"""Telling systemd how a service stands (sd_notify protocol): one datagram to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Send ``READY=1``, ``STOPPING=1`` and the like; False where nobody asked or nobody hears."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as end:
            # A leading @ means Linux's abstract namespace, which the kernel writes as a zero byte.
            end.connect("\0" + address[1:] if address[0] == "@" else address)
            end.sendall(state.encode())
    except OSError:
        return False
    return True
