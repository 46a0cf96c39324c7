"""The platform interface 应急广播平台接口 (GD/J 082 and 083-2018): EBD packages, to typed values and back.

``package`` reads and writes the tar, ``envelope.parse`` and ``envelope.build`` its business data (EBDB) of every type,
``signing`` its signature file (EBDS), ``ebi`` the information body. Two forms stand behind one model: that of 2018, and
the draft before it (``ids.Form``). Reading is tolerant, writing strict. No network, no clock.
"""
