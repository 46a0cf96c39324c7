"""Frames of GD/J 089-2018 appendices D and E, to typed packets and back. No I/O, no clock.

Callers use ``ip`` and ``feedback`` (``parse``, ``build``), ``framing.StreamFramer`` to find frames in a stream,
``fastpath`` where thousands of the same frame come at once, and ``decode.decode`` to show a frame to people.
"""
