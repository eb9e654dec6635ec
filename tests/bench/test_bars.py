"""The picture of costs."""

import re
from xml.etree import ElementTree as ET

from bench.bars import bars


def test_a_bar_is_as_long_as_its_figure_and_nothing_is_markup() -> None:
    text = bars("A <b> & more", [("ids", 4.0), ("spans <all>", 8.0), ("noise", -0.5)], "µs")
    svg = ET.fromstring(text)
    widths = [float(each.attrib["width"]) for each in svg.iter() if each.tag.endswith("rect")][1:]
    assert widths[0] * 2 == widths[1]
    assert widths[2] == 0
    assert re.findall(r">(-?[\d.]+ µs)<", text) == ["4.0 µs", "8.0 µs", "-0.5 µs"]
    assert "<b>" not in text
    assert ET.fromstring(bars("none", [], "s")) is not None
