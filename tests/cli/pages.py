"""Reports, written and read back."""

from html.parser import HTMLParser

from avalanche_seg.cli.reporting.command import main


class Page(HTMLParser):
    """A page's tables as lists of rows of texts, its pictures, its text and its element names."""

    def __init__(self, content):
        super().__init__()
        self.tables, self.images, self.elements, self.labels = {}, {}, set(), []
        self.text, self.open = "", []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.add(tag)
        if tag == "img":
            self.images[attributes["alt"]] = attributes["src"]
        if "aria-label" in attributes:
            self.labels.append(attributes["aria-label"])
        if tag == "table":
            self.open.append([])
            self.caption = ""
        elif tag == "tr" and self.open:
            self.open[-1].append([])
        elif tag in ("td", "th") and self.open:
            self.open[-1][-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            rows = [[cell.strip() for cell in row] for row in self.open.pop()]
            self.tables.setdefault(self.caption.strip(), rows)

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] and self.open[-1][-1]:
            self.open[-1][-1][-1] += data
        elif self.open:
            self.caption += data


def write_page(tmp_path, *runs, more=()):
    output = tmp_path / "out.html"
    assert main([*map(str, runs), "--output", str(output), *more]) == 0
    return output.read_text(encoding="utf-8")
