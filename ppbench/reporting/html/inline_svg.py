"""A drawn figure as SVG inside a page: it follows the page's colours and fonts, and says in words what it shows."""

import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

from ppbench.reporting.figures.palette import colours

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_ROLE_OF = {light: role for role, (light, _) in colours().items()}
_COLOUR = re.compile("|".join(map(re.escape, _ROLE_OF)))
_USED = re.compile(r"url\(#([^)]+)\)")
_LONG = re.compile(r"(\.\d\d)\d+")
_GEOMETRY = ("d", "x", "y", "width", "height", "transform", "points")


def inline(svg: str, name: str, title: str, description: str) -> Markup:
    """Return the figure for a page.

    Args:
        svg: what matplotlib made, drawn in the light colours of the palette.
        name: unique in the page; what ids begin with.
        title: the figure's name, for those who do not see it.
        description: what it shows, in words.
    """
    root = _for_page(svg, name)
    root.set("class", "drawn")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    root.set("aria-describedby", f"{name}-desc")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        told = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        told.text = text
        root.insert(place, told)
    return _text(root)


def symbol(svg: str, name: str) -> Markup:
    """Return the figure as a symbol of that name, which the page can show many times."""
    root = _for_page(svg, name)
    root.tag = f"{{{_SVG}}}symbol"
    root.attrib.pop("version", None)
    root.set("id", name)
    return _text(root)


def _for_page(svg: str, name: str) -> ET.Element:
    root = ET.fromstring(svg)  # noqa: S314  drawn by ourselves a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    _own_ids(root, name)
    for element in root.iter():
        _themed(element)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    return root


def _text(root: ET.Element) -> Markup:
    ET.register_namespace("", _SVG)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  serialised, so every text in it is escaped


def _own_ids(root: ET.Element, name: str) -> None:
    """Keep the ids that something refers to, under names that no other figure of the page has."""
    used = set()
    for element in root.iter():
        link = element.attrib.pop(_LINK, None)
        if link is not None:
            element.set("href", link)
        if element.get("href", "").startswith("#"):
            used.add(element.attrib["href"][1:])
        used.update(match for value in element.attrib.values() for match in _USED.findall(value))
    short = {old: f"{name}-{place}" for place, old in enumerate(sorted(used))}
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                if value in short:
                    element.set("id", short[value])
                else:
                    del element.attrib["id"]
            elif key == "href" and value.startswith("#"):
                element.set("href", f"#{short[value[1:]]}")
            else:
                element.set(key, _USED.sub(lambda match: f"url(#{short[match[1]]})", value))


def _themed(element: ET.Element) -> None:
    """Set colours by the page's variables, text in its font, and coordinates to a hundredth of a point."""
    if "style" in element.attrib:
        style = re.sub(r"\s*font-family:[^;]*;?", "", element.attrib["style"])
        element.set("style", _COLOUR.sub(lambda match: f"var(--{_ROLE_OF[match[0]]})", style))
    for key in _GEOMETRY:
        if key in element.attrib:
            element.set(key, _LONG.sub(r"\1", " ".join(element.attrib[key].split())))
