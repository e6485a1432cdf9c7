"""Markup without templates: text is escaped unless it is markup already."""

from collections.abc import Iterable
from html import escape

__all__ = ["Html", "element", "markup", "scrolling", "table"]

_EMPTY = frozenset({"br", "img", "link", "meta"})


class Html(str):
    """Text that is markup already and stays as it is."""

    __slots__ = ()


def markup(*children: object) -> Html:
    """Join markup and text; text is escaped.

    Example:
        >>> print(markup("a < b", element("b", "&")))
        a &lt; b<b>&amp;</b>
    """
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in children))


def element(name: str, /, *children: object, **attributes: object) -> Html:
    """One element; everything that is no :class:`Html` is escaped.

    Args:
        name: such as "td".
        children: markup and text.
        attributes: None leaves one out. An underscore stands for a dash, the last one for nothing:
            ``class_``, ``stroke_width``.

    Example:
        >>> print(element("td", "<1", class_="x", title=None))
        <td class="x">&lt;1</td>
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in _EMPTY else f"{markup(*children)}</{name}>"
    return Html(f"<{name}{shown}>{end}")


def table(
    head: Iterable[object], rows: Iterable[Iterable[object]], *, caption: str | None = None
) -> Html:
    """A table that scrolls sideways; the first cell of every row is its heading.

    Args:
        head: the headings of the columns.
        rows: the cells; a cell may be a ready ``<td>``, as a heading a ``<th>``.
        caption: what it shows.
    """
    headings = element("tr", *(_cell(cell, "th", scope="col") for cell in head))
    lines = [
        element("tr", element("th", first, scope="row"), *(_cell(cell, "td") for cell in rest))
        for first, *rest in rows
    ]
    return scrolling(
        element(
            "table",
            element("caption", caption) if caption else "",
            element("thead", headings),
            element("tbody", *lines),
        )
    )


def scrolling(content: Html) -> Html:
    """A box that scrolls sideways on its own, by keyboard too."""
    return element("div", content, class_="scroll", tabindex="0")


def _cell(cell: object, name: str, **attributes: object) -> Html:
    if isinstance(cell, Html) and cell.startswith(f"<{name}"):
        return cell
    return element(name, cell, **attributes)
