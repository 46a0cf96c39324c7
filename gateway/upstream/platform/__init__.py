"""The platform interface 平台接口 (GD/J 083-2018): packages of superior and subordinate platforms, both ways.

A package comes in at ``port``, passes ``checks`` in the order of platform.md 4.4, is answered by ``inbox`` in the same
connection, and goes to the handler of its type (``handling``); ``broadcasts`` handles messages. ``sealing`` makes
every package of ours.
"""
