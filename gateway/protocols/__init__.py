"""Bytes of the standards, to typed values and back. No I/O, no clock.

GD/J 089-2018 appendices D, E and A: ``ip``, ``feedback`` and ``adapter`` (``parse``, ``build``),
``framing.StreamFramer`` to find frames in a stream, ``fastpath`` where thousands of the same frame come at once,
``time_base`` for the seconds of appendix A.

FM transmitters (085): ``rds_render`` says which packets a broadcast needs, ``rds`` writes and reads them, ``rds_plan``
says which goes out when, ``rds_frames`` and ``rds_groups`` take them to the bits on the air and back, ``rds_framing``
finds packets in a stream.

Transport streams (086, 087, 089 appendix C): ``ts_render`` makes tables of a broadcast, ``ts_carousel`` says which are
due, ``ts_signing`` signs and ``ts_packets`` packs them; ``ts_sections`` and ``ts_section`` read them back.

``decode.decode`` shows a frame of any of them to people.
"""
