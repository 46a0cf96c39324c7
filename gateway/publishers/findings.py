"""What a reader of a body finds: broken rules and notices, weighed by the publisher's profile."""

from __future__ import annotations

from gateway.domain.rules import broken, noted
from gateway.domain.warning import Notice
from gateway.errors import Violation, WarningInvalid
from gateway.publishers.profile import Profile

#: Enough to mend a body with; a body with more is wrong as a whole.
MAX_FINDINGS = 50


class Findings:
    """Collects broken rules so that a publisher hears of all at once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._violations: list[Violation] = []
        self._notices: list[Notice] = []

    def broken(self, path: str, code: str, chinese: str, english: str) -> None:
        """A rule whose breach leaves no safe meaning: refused in every profile."""
        if len(self._violations) < MAX_FINDINGS:
            self._violations.append(broken(path, code, chinese, english))

    def minor(self, path: str, code: str, chinese: str, english: str) -> None:
        """A rule whose breach leaves the meaning clear: refused when strict, a notice when tolerant."""
        if self.profile is not Profile.TOLERANT:
            self.broken(path, code, chinese, english)
        else:
            self.noted(code, f"{path}：{chinese}", english)

    def noted(self, code: str, chinese: str, english: str) -> None:
        """Something worth saying that breaks no rule."""
        notice = noted(code, chinese, english)
        if len(self._notices) < MAX_FINDINGS and notice not in self._notices:
            self._notices.append(notice)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Notices so far, each once, in order."""
        return tuple(self._notices)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Broken rules so far, in order."""
        return tuple(self._violations)

    def refuse_if_broken(self) -> None:
        """Raise WarningInvalid with every broken rule, if there is one."""
        if self._violations:
            raise WarningInvalid(*self._violations)

    def within(self, path: str, what: str, count: int, most: int) -> None:
        """Refuse at once when there are more than ``most`` of something, before work is spent on them."""
        if count > most:
            self.broken(path, "too_many", f"{what} {count} 个，超过上限 {most}", f"{count} {what}, at most {most}")
            self.refuse_if_broken()
