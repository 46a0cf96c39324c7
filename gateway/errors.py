"""Every error of the gateway, as one tree.

GatewayError
├── InvalidValueError           a value of our own words is wrong (code, id, severity)
├── FrameError                  bytes from a device
│   ├── IncompleteFrame         more bytes may still come
│   ├── MalformedFrame          structure or a length is wrong            (answer 13)
│   │   └── FrameTooLarge       a limit was met before memory was taken
│   ├── UnknownServiceType      whole, but no layout for its type         (answer 55)
│   ├── ChecksumMismatch        CRC differs                               (answer 15)
│   ├── AnswerMismatch          a right frame that answers something else
│   └── SignatureError
│       ├── SignatureMissing    unsigned where a signature is asked       (answer 52)
│       ├── SignatureInvalid    no coverage variant verifies              (answer 52)
│       ├── UnknownCertificate  no key for the certificate number         (answer 52)
│       └── ReplayDetected      time outside the window, counter not rising, digest seen (answer 52)
├── KeyMaterialError            a key, certificate or key file cannot be used
│   └── TrustRefused            an authorisation list 证书授权列表 breaks a named rule
├── WarningError                a publisher's body: one or more rules broken
│   ├── WarningUnparseable      not XML, not JSON, attack                 (HTTP 400)
│   ├── WarningInvalid          understood, but a rule is broken          (HTTP 422)
│   └── WarningConflict         same identity, other content              (HTTP 409)
├── XmlRefused                  XML of strangers: an attack, or not well-formed
├── PackageError                an EBD package 业务数据包 of another platform (ResultCode of GD/J 083-2018 table 35)
│   ├── PackageUnreadable       no tar, no EBDB, not XML                  (ResultCode 2)
│   ├── PackageIncomplete       a field, format or file is missing        (ResultCode 3)
│   ├── PackageUnproven         its signature is missing or wrong         (ResultCode 4)
│   └── PackageRefused          whole, but not for us or not from a peer  (ResultCode 5)
├── UnsupportedMediaError       a body of a kind we do not read           (HTTP 415)
├── RightsError                 a key asks beyond its rights              (HTTP 403)
├── NotFoundError               no such thing                             (HTTP 404)
├── StateConflictError          the thing is in a state that forbids this (HTTP 409)
├── OverloadedError             try again later                           (HTTP 503)
├── SettingsError               configuration: key and rule
├── RegistryError               registry file: row, column and rule
├── LinkError                   the far end of a link cannot be reached, or says nothing
├── SoundError                  a programme 节目 cannot be made or sent
│   ├── NoVoice                 no voice reads this language: a person must speak or record it
│   ├── AudioRejected           a recorded file breaks a rule: field and rule
│   └── SoundProgramFailed      ffmpeg or espeak-ng failed, or took too long: its last words
├── StoreError                  the store cannot do its work
│   └── RowRefused              a row breaks a rule of the schema; nobody else is hurt
└── EnvironmentLackingError     a program, file or limit of the machine   (exit 3)

Leaves keep the facts in fields; the text is built from them.
"""

from __future__ import annotations

from dataclasses import dataclass


class GatewayError(Exception):
    """Root of all errors that the gateway raises on purpose."""

    code: str = "error"


class InvalidValueError(GatewayError, ValueError):
    """A value breaks the rule of its type."""

    code = "invalid_value"

    def __init__(self, field: str, value: object, rule: str) -> None:
        self.field, self.value, self.rule = field, value, rule
        super().__init__(f"{field}: {str(value)[:80]!r}: {rule}")


class FrameError(GatewayError):
    """Bytes from a device that cannot be taken as they are.

    ``offset`` is the position in the frame where the rule broke (0 where it is the frame as a whole);
    ``result`` is the code of GD/J 089-2018 table D.12 that answers it, or None when no answer is due.
    """

    code = "frame"
    result: int | None = 13

    def __init__(self, message: str, *, offset: int = 0) -> None:
        self.message, self.offset = message, offset
        super().__init__(f"{message} (offset {offset})" if offset else message)


class IncompleteFrame(FrameError):
    """The frame may become whole when more bytes come."""

    code = "incomplete"
    result = None

    def __init__(self, needed: int, *, offset: int = 0) -> None:
        self.needed = needed
        super().__init__(f"frame is cut: at least {needed} more bytes needed", offset=offset)


class MalformedFrame(FrameError):
    """Structure, length or a mandatory field is wrong."""

    code = "malformed"
    result = 13


class FrameTooLarge(MalformedFrame):
    """The announced length exceeds the limit of this connection."""

    code = "too_large"


class UnknownServiceType(FrameError):
    """A whole frame whose 业务数据类型 has no layout here."""

    code = "unknown_type"
    result = 55

    def __init__(self, service_type: int, *, offset: int = 0) -> None:
        self.service_type = service_type
        super().__init__(f"unknown service type 0x{service_type:02X}", offset=offset)


class ChecksumMismatch(FrameError):
    """A CRC differs: CRC-32 of GD/J 089-2018 appendix G, or the CRC-16 (4 digits) of GD/J 085-2018 table 21."""

    code = "checksum"
    result = 15

    def __init__(self, found: int, expected: int, *, offset: int = 0, digits: int = 8) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"CRC is {found:0{digits}X}, computed {expected:0{digits}X}", offset=offset)


class AnswerMismatch(FrameError):
    """A whole frame where an answer was awaited, but to another question, for another message or from another peer."""

    code = "answer_mismatch"
    result = None


class SignatureError(FrameError):
    """Anything about the signature block that forbids acting on a frame."""

    code = "signature"
    result = 52


class SignatureMissing(SignatureError):
    """Unsigned where this peer must sign."""

    code = "signature_missing"


class SignatureInvalid(SignatureError):
    """No coverage variant verifies with the certificate's key."""

    code = "signature_invalid"


class UnknownCertificate(SignatureError):
    """No key is known for the certificate number."""

    code = "unknown_certificate"


class ReplayDetected(SignatureError):
    """Signature time or counter, or the frame itself, was seen before or lies outside the window."""

    code = "replay"


class KeyMaterialError(GatewayError):
    """A key, certificate or key file cannot be used."""

    code = "key_material"


class TrustRefused(KeyMaterialError):
    """An authorisation list that must not come into force; ``code`` names the rule."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of a publisher's body: where, which, in words."""

    path: str
    code: str
    message: str


class WarningError(GatewayError):
    """A publisher's body breaks rules; ``violations`` names each."""

    code = "warning"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{v.path}: {v.code}: {v.message}" for v in violations))


class WarningUnparseable(WarningError):
    """The body cannot be read at all."""

    code = "unparseable"


class WarningInvalid(WarningError):
    """The body is read and breaks a rule."""

    code = "invalid"


class WarningConflict(WarningError):
    """The same identity came before with other content."""

    code = "conflict"


class XmlRefused(GatewayError):
    """XML that must not reach, or did not pass, a parser; ``violations`` say where and why."""

    code = "xml"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        super().__init__("; ".join(f"{v.path}: {v.code}: {v.message}".removeprefix(": ") for v in violations))


class PackageError(GatewayError):
    """An EBD package of another platform that is not taken; ``result`` is its ResultCode (GD/J 083-2018 table 35)."""

    code = "package"
    result: int = 5

    def __init__(self, code: str, chinese: str, english: str) -> None:
        self.code, self.chinese, self.english = code, chinese, english
        super().__init__(f"{chinese} / {english}")


class PackageUnreadable(PackageError):
    """Its tar, its EBDB or its XML cannot be read (接收解析失败)."""

    result = 2


class PackageIncomplete(PackageError):
    """Something that must be there is missing, or has another form or digest (数据内容缺失)."""

    result = 3


class PackageUnproven(PackageError):
    """Nothing proves that it is of the platform that it names (签名验证失败)."""

    result = 4


class PackageRefused(PackageError):
    """Read and whole, but refused (其他错误): a stranger's, for somebody else, or at odds with what came before."""

    result = 5


class UnsupportedMediaError(GatewayError):
    """A body whose media type is none of those that we read; ``supported`` names them."""

    code = "unsupported_media"

    def __init__(self, media_type: str, supported: tuple[str, ...]) -> None:
        self.media_type, self.supported = media_type, supported
        super().__init__(
            f"不支持的媒体类型 {media_type[:80]!r} / unsupported media type; send one of {', '.join(supported)}"
        )


class RightsError(GatewayError):
    """A key asks for more than it was given."""

    code = "forbidden"

    def __init__(self, right: str, message: str) -> None:
        self.right, self.message = right, message
        super().__init__(f"{right}: {message}")


class NotFoundError(GatewayError):
    """No such thing."""

    code = "not_found"


class StateConflictError(GatewayError):
    """The thing is in a state that forbids what was asked."""

    code = "state_conflict"


class OverloadedError(GatewayError):
    """Too much at once; try again after ``retry_after`` seconds."""

    code = "overloaded"

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class SettingsError(GatewayError):
    """A key of the configuration breaks a rule; ``problems`` holds (key, rule)."""

    code = "settings"

    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{key}: {rule}" for key, rule in problems))


class RegistryError(GatewayError):
    """A registry file breaks rules; ``problems`` holds (row, column, rule), rows counted from 1 with the header."""

    code = "registry"

    def __init__(self, *problems: tuple[int, str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"row {row}, {column}: {rule}" for row, column, rule in problems))


class LinkError(GatewayError):
    """The far end of a link cannot be reached, hangs up, or does not answer in time."""

    code = "link"


class SoundError(GatewayError):
    """A programme cannot be made or sent."""

    code = "sound"


class NoVoice(SoundError):
    """No voice reads this language aloud; a person must speak it live, or record it."""

    code = "no_voice"

    def __init__(self, language: str, why: str = "") -> None:
        self.language, self.why = language, why
        reason = f" ({why})" if why else ""
        super().__init__(
            f"语言 {language[:40]!r} 无可用语音，须人工播报或录音 / "
            f"no voice for this language, a person must read it{reason}"
        )


class AudioRejected(SoundError):
    """A recorded file breaks a rule; ``field`` is what of it, ``rule`` what must hold."""

    code = "audio_rejected"

    def __init__(self, field: str, value: object, rule: str) -> None:
        self.field, self.value, self.rule = field, value, rule
        super().__init__(f"{field}: {str(value)[:80]!r}: {rule}")


class SoundProgramFailed(SoundError):
    """An external program failed or took too long; ``last_words`` is the end of what it wrote to standard error."""

    code = "sound_program"

    def __init__(self, program: str, what: str, last_words: str = "") -> None:
        self.program, self.what, self.last_words = program, what, last_words
        super().__init__(f"{program}: {what}" + (f": {last_words}" if last_words else ""))


class StoreError(GatewayError):
    """The store cannot do its work."""

    code = "store"


class RowRefused(StoreError):
    """A row breaks a rule of the schema (unique, not null, type); the database is well, and so are other calls."""

    code = "row_refused"


class EnvironmentLackingError(GatewayError):
    """The machine lacks something; the text says what and how to get it."""

    code = "environment"
