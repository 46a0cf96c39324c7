"""Frames of GD/J 089-2018 appendices D and E, tables of transport streams: to typed values and back. No I/O, no clock.

Callers use ``ip`` and ``feedback`` (``parse``, ``build``), ``framing.StreamFramer`` to find frames in a stream,
``fastpath`` where thousands of the same frame come at once, and ``decode.decode`` to show a frame to people. For
transport streams ``ts_render`` makes tables of a broadcast, ``ts_carousel`` says which are due, ``ts_signing`` signs
and ``ts_packets`` packs them; ``ts_sections`` and ``ts_section`` read them back.
"""
