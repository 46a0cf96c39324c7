"""From pieces to clauses and items: what stands in brackets, what is excepted, where one entry of a list ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.publishers.place_tokens import PLACES, Token
from gateway.publishers.place_words import Kind


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of an item; brackets and exceptions hold the items inside."""

    token: Token
    items: tuple[Item, ...] = ()

    @property
    def kind(self) -> Kind:
        """Kind of the piece."""
        return self.token.kind


@dataclass(slots=True)
class Item:
    """One entry of a list. ``colon``: what follows it in the clause lies inside it. ``joined``: a word joins it to
    the one before, which its own qualifiers then need not concern."""

    parts: list[Part] = field(default_factory=list)
    colon: bool = False
    joined: bool = False

    @property
    def start(self) -> int:
        """First character."""
        return self.parts[0].token.start

    @property
    def end(self) -> int:
        """Character after the last."""
        return self.parts[-1].token.end


def clauses(tokens: Sequence[Token]) -> list[list[Item]]:
    """Clauses of a description, parted by semicolons, full stops and line ends outside brackets, and their items."""
    found: list[list[Item]] = []
    begun = depth = 0
    for position, token in enumerate(tokens):
        if token.kind is Kind.LEFT:
            depth += 1
        elif token.kind is Kind.RIGHT:
            depth = max(0, depth - 1)
        elif token.kind is Kind.BREAK and not depth:
            found.append(_Splitter(tokens[begun:position]).items())
            begun = position + 1
    found.append(_Splitter(tokens[begun:]).items())
    return found


class _Splitter:
    """Splits the pieces of one clause, or of one pair of brackets."""

    def __init__(self, tokens: Sequence[Token], depth: int = 0) -> None:
        self._tokens = tokens
        self._depth = depth
        self._items: list[Item] = []
        self._item = Item()

    def items(self) -> list[Item]:
        """The items; empty ones are dropped."""
        at = 0
        while at < len(self._tokens):
            at = self._one(at)
        self._close()
        return self._items

    def _close(self, *, joined: bool = False) -> None:
        if self._item.parts:
            self._items.append(self._item)
        self._item = Item(joined=joined)

    def _one(self, at: int) -> int:
        """Take the piece at ``at``; returns where the next one is."""
        token = self._tokens[at]
        if token.kind in (Kind.LIST, Kind.BREAK):
            self._close(joined=token.words.isalpha())
        elif token.kind is Kind.COLON and self._item.parts:
            self._item.colon = True
            self._close()
        elif token.kind is Kind.SPACE:
            if self._item.parts and not self._goes_on(at):
                self._close()
        elif token.kind is Kind.LEFT:
            return self._brackets(at)
        elif self._depth and token.kind in (Kind.EXCEPT, Kind.EXCLUDE):
            self._item.parts.append(Part(_joined(Kind.UNKNOWN, self._tokens[at : at + 1])))
        elif token.kind is Kind.EXCEPT:
            return self._exception(at)
        elif token.kind is Kind.EXCLUDE:
            return self._enclose(Kind.EXCEPTION, at, len(self._tokens), len(self._tokens))
        else:
            self._item.parts.append(Part(token))
        return at + 1

    def _goes_on(self, at: int) -> bool:
        """Whether a blank parts nothing: 安溪县 凤城镇 is one entry, 安溪县 永春县 are two."""
        if at + 1 >= len(self._tokens):
            return True
        following, last = self._tokens[at + 1], self._item.parts[-1].token
        if following.kind not in PLACES:
            return True
        return last.kind in PLACES and any(
            one != other and one.covers(other) for one in last.codes for other in following.codes
        )

    def _brackets(self, at: int) -> int:
        """What stands in brackets up to its end; brackets in brackets, or without an end, are not understood."""
        end = next((i for i in range(at + 1, len(self._tokens)) if self._tokens[i].kind is Kind.RIGHT), None)
        inner = self._tokens[at + 1 : end] if end is not None else ()
        if end is None or self._depth or any(token.kind is Kind.LEFT for token in inner):
            end = len(self._tokens) - 1 if end is None else end
            self._item.parts.append(Part(_joined(Kind.UNKNOWN, self._tokens[at : end + 1])))
            return end + 1
        kind = Kind.GROUP
        significant = [token for token in inner if token.kind is not Kind.SPACE]
        if significant and significant[-1].kind is Kind.OUT:
            # （德化县除外）, （除德化县外）
            kind = Kind.EXCEPTION
            first = significant[0].kind is Kind.EXCEPT
            inner = significant[1:-1] if first else significant[:-1]
        elif significant and significant[0].kind is Kind.EXCLUDE:
            kind, inner = Kind.EXCEPTION, significant[1:]
        part = Part(_joined(kind, self._tokens[at : end + 1]), tuple(_Splitter(inner, self._depth + 1).items()))
        self._item.parts.append(part)
        return end + 1

    def _exception(self, at: int) -> int:
        """除…外; without its end it is not understood."""
        end = next((i for i in range(at + 1, len(self._tokens)) if self._tokens[i].kind is Kind.OUT), None)
        if end is None:
            self._item.parts.append(Part(_joined(Kind.UNKNOWN, self._tokens[at:])))
            return len(self._tokens)
        return self._enclose(Kind.EXCEPTION, at, end, end + 1)

    def _enclose(self, kind: Kind, at: int, end: int, following: int) -> int:
        inner = _Splitter(self._tokens[at + 1 : end], self._depth + 1).items()
        self._item.parts.append(Part(_joined(kind, self._tokens[at:following]), tuple(inner)))
        return following


def _joined(kind: Kind, tokens: Sequence[Token]) -> Token:
    return Token(kind, tokens[0].start, tokens[-1].end, "".join(token.words for token in tokens))
