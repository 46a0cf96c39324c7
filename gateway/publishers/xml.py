"""XML of publishers: read by ``gateway.protocols.xml``, refused in the words of a warning."""

from __future__ import annotations

from lxml import etree

from gateway.errors import WarningUnparseable, XmlRefused
from gateway.protocols import xml
from gateway.publishers.profile import Limits


def read_xml(body: bytes, limits: Limits, charset: str = "") -> etree._Element:
    """Parse ``body`` and return its root element; ``charset`` as for ``gateway.protocols.xml.read_xml``.

    Raises WarningUnparseable with one of the codes of that function.
    """
    try:
        return xml.read_xml(body, limits, charset)
    except XmlRefused as refused:
        raise WarningUnparseable(*refused.violations) from None
