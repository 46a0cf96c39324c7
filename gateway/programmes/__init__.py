"""Programmes 节目: what terminals play beside a message's text, and how it gets to them.

``chinese`` and ``pinyin`` read a text, ``speech`` says it, ``recordings`` and ``encoder`` take files; all of it becomes
mp3 frames that stand alone. ``programme`` chooses the frame that sounds next, ``broadcast`` takes one every 24 ms, and
``outlets`` and ``pulls`` carry it away. What is missing here is said by ``toolbox``; the packaged signals need nothing.
"""
