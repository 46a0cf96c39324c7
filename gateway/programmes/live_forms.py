"""Forms in which live sound comes in, and how ffmpeg reads each without waiting for more than it needs."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message
from typing import Final

from gateway.errors import UnsupportedMediaError
from gateway.protocols import rtp

#: Static payload types of RFC 3551 table 4, clocks of 8 kHz.
PCMU: Final = 0
PCMA: Final = 8
_TELEPHONE_RATE: Final = 8_000
_RATES: Final = range(8_000, 192_001)
_CHANNELS: Final = range(1, 9)


@dataclass(frozen=True, slots=True)
class LiveForm:
    """``arguments`` are ffmpeg's for its input. ``silence``: one sample of it, where a loss can be filled."""

    name: str
    arguments: tuple[str, ...]
    silence: bytes = b""
    #: clock of its RTP timestamps in Hz
    rate: int = rtp.CLOCK


_MP3: Final = LiveForm("mp3", ("-f", "mp3"))
#: By RTP payload type. Silence of G.711: the code of 0 (ITU-T G.711 tables 1a and 2a; even bits of A-law inverted).
BY_PAYLOAD: Final = {
    rtp.MPEG_AUDIO: _MP3,
    PCMU: LiveForm("pcmu", ("-f", "mulaw", "-ar", "8000", "-ac", "1"), b"\xff", _TELEPHONE_RATE),
    PCMA: LiveForm("pcma", ("-f", "alaw", "-ar", "8000", "-ac", "1"), b"\xd5", _TELEPHONE_RATE),
}
_OGG: Final = LiveForm("ogg", ("-f", "ogg"))
# A WAV that is made while it is sent has a length in its header that is not true.
_WAV: Final = LiveForm("wav", ("-f", "wav", "-ignore_length", "1"))
_WEBM: Final = LiveForm("webm", ("-f", "matroska"))
_BY_TYPE: Final = {
    "audio/mpeg": _MP3,
    "audio/mp3": _MP3,
    "audio/ogg": _OGG,
    "application/ogg": _OGG,
    "audio/wav": _WAV,
    "audio/wave": _WAV,
    "audio/x-wav": _WAV,
    "audio/webm": _WEBM,
    "audio/basic": BY_PAYLOAD[PCMU],
}
#: ``rate`` and ``channels`` as parameters (RFC 3551 4.5.11: 16 bits, the high byte first).
_L16: Final = "audio/l16"
SUPPORTED: Final = (*_BY_TYPE, _L16)


def form_of(media_type: str) -> LiveForm:
    """Form of a media type with its parameters. Errors: UnsupportedMediaError."""
    header = Message()
    header["content-type"] = media_type
    name = header.get_content_type()
    if name == _L16:
        try:
            rate, channels = int(str(header.get_param("rate", "44100"))), int(str(header.get_param("channels", "1")))
        except ValueError:
            rate = channels = 0
        if rate in _RATES and channels in _CHANNELS:
            return LiveForm("l16", ("-f", "s16be", "-ar", str(rate), "-ac", str(channels)))
    if not media_type or name not in _BY_TYPE:
        raise UnsupportedMediaError(media_type, SUPPORTED)
    return _BY_TYPE[name]
