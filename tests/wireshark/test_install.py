"""The dissector installed as docs/wireshark/README.md says: the folder among the personal Lua plugins, no options."""

from __future__ import annotations

import re
import shutil
from itertools import takewhile
from pathlib import Path

from tests.wireshark import tshark
from tests.wireshark.samples import datagrams, golden


def test_the_folder_among_the_personal_plugins_is_enough(tmp_path: Path) -> None:
    shutil.copytree(tshark.SCRIPT.parent, tmp_path / ".local/lib/wireshark/plugins/ebgw")
    pcap = datagrams(golden("ip").values(), "ip").write(tmp_path / "frames.pcap")
    lines = tshark.run("-r", str(pcap), "-Y", "ebgw", loaded=False, home=tmp_path).splitlines()
    assert len(lines) == len(golden("ip"))
    assert all(" EBGW " in line for line in lines)
    assert any("开始播发 start" in line for line in lines)


def test_what_the_readme_tells_to_type_is_understood(tmp_path: Path) -> None:
    """Every filter and preference of the page, in one run of tshark; and no preference is left out there."""
    readme = (tshark.FOLDER / "README.md").read_text(encoding="utf-8")
    pcap = datagrams(golden("ip").values(), "ip").write(tmp_path / "frames.pcap")
    rows = readme[readme.index("| filter |") :].splitlines()[2:]
    filters = [one for row in takewhile(bool, rows) for one in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(filters) > 10
    everything = " or ".join(f"({one})" for one in filters)
    options = re.findall(r"-o (?:'([^']+)'|(\S+))", readme)
    given = [word for quoted, plain in options for word in ("-o", quoted or plain)]
    assert tshark.run("-r", str(pcap), "-Y", everything, *given).count("EBGW")
    known = set(re.findall(r"^#?(ebgw\.\w+): ", tshark.run("-G", "currentprefs"), re.MULTILINE))
    assert {name for name in known if f"`{name}`" not in readme} == set()
    assert len(known) == 5
