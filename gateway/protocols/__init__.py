"""Frames of GD/J 089-2018 appendices D, E and A, to typed packets and back. No I/O, no clock.

Callers use ``ip``, ``feedback`` and ``adapter`` (``parse``, ``build``), ``framing.StreamFramer`` to find frames in a
stream, ``fastpath`` where thousands of the same frame come at once, ``time_base`` for the seconds of appendix A, and
``decode.decode`` to show a frame to people.
"""
