"""Frames of GD/J 089-2018 appendices D and E and of GD/J 085-2018, to typed packets and back. No I/O, no clock.

Callers use ``ip`` and ``feedback`` (``parse``, ``build``), ``framing.StreamFramer`` to find frames in a stream,
``fastpath`` where thousands of the same frame come at once, and ``decode.decode`` to show a frame to people.

For FM transmitters: ``rds_render`` says which packets a broadcast needs, ``rds`` writes and reads them, ``rds_plan``
says which goes out when, ``rds_frames`` and ``rds_groups`` take them to the bits on the air and back, ``rds_framing``
finds packets in a stream.
"""
