"""Reading a report back: its tables, and what could make a browser act."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The parts of a page that tests look at.

    Attributes:
        tables: a list of rows for each table; a row is a list of (text, attributes).
        tags: the name of every element, in order.
        links: every value of an attribute that can name an address.
        handlers: every attribute that holds a script.
        ids: every id.
        texts: the text of every element that has some, in order.
    """

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tables: list[list[list[tuple[str, dict[str, str]]]]] = []
        self.table_ids: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self._cell: list[str] | None = None
        self._attributes: dict[str, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        attributes = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        self.links += [
            attributes[key]
            for key in ("src", "href", "xlink:href", "action", "data", "srcset")
            if key in attributes
        ]
        self.handlers += [key for key in attributes if key.startswith("on")]
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "table":
            self.tables.append([])
            self.table_ids.append(attributes.get("id", ""))
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell, self._attributes = [], attributes
        elif self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag):
        """Close a cell."""
        if tag in ("td", "th") and self._cell is not None:
            text = " ".join("".join(self._cell).split())
            self.tables[-1][-1].append((text, self._attributes))
            self._cell = None
        elif self._cell is not None:
            self._cell.append(" ")

    def handle_data(self, data):
        """Note text."""
        if self._cell is not None:
            self._cell.append(data)
        if data.strip():
            self.texts.append(data)

    def table(self, name: str):
        """Return the rows of the table of that id."""
        return self.tables[self.table_ids.index(name)]


def value(text: str) -> float:
    """Return the number that a cell shows."""
    return float(text.replace("−", "-"))
