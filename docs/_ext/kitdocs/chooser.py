"""The chooser: a table, a picture of it, and what every declaration adds to the list."""

import html
import re

from docutils import nodes
from docutils.parsers.rst import Directive

from keras_losskit.core.takes import TARGETS, Takes
from kitdocs import names, tables
from kitdocs.choices import CHOICES


def table():
    out = []
    for what, rows in CHOICES:
        out += [f"## {what}\n", "| what is special | try first | because |", "|---|---|---|"]
        for trouble, losses, why in rows:
            tried = ", ".join(f"`{name}`" for name in losses)
            out.append(f"| {trouble} | {tried} | {why} |")
        out.append("")
    return "\n".join(out)


def by_declaration():
    """Every loss, under what it declares of its targets."""
    found = {}
    for name, cls in names.losses().items():
        takes = getattr(cls, "takes", None)
        words = TARGETS[takes.y_true].words if isinstance(takes, Takes) else "what its loss takes"
        found.setdefault(words, []).append(f"`{name}`")
    out = ["| your targets are | losses that take them |", "|---|---|"]
    out += [f"| {words} | {', '.join(sorted(found[words]))} |" for words in found]
    return "\n".join(out)


ROW, LEFT, MIDDLE, RIGHT, WIDTH = 21, 10, 300, 620, 1080


def _plain(text):
    return html.escape(re.sub(r"`", "", text))


def picture(uri):
    """The same as one SVG: a tree from left to right, whose leaves are links."""
    out, y = [], 8
    for what, rows in CHOICES:
        height = ROW * len(rows)
        middle = y + height / 2
        out.append(f'<text x="{LEFT}" y="{middle + 4:.0f}" font-weight="600">{_plain(what)}</text>')
        for i, (trouble, losses, _) in enumerate(rows):
            at = y + ROW * i + ROW / 2
            x0, x1 = MIDDLE - 60, MIDDLE - 8
            out.append(f'<path d="M{x0} {middle:.0f} C {x0 + 30} {middle:.0f} {x1 - 30} {at:.0f} '
                       f'{x1} {at:.0f}"/>')
            out.append(f'<text x="{MIDDLE}" y="{at + 4:.0f}">{_plain(trouble)}</text>')
            x = RIGHT
            for name in losses:
                out.append(f'<a href="{uri(name)}"><text x="{x:.0f}" y="{at + 4:.0f}">{name}'
                           "</text></a>")
                x += 7.4 * len(name) + 18
        y += height + 12
        out.append(f'<path d="M{LEFT} {y - 6} H {WIDTH}" opacity="0.5"/>')
    return (f'<div class="chooser"><svg viewBox="0 0 {WIDTH} {y}" role="img" '
            f'aria-label="From what is predicted to the losses to try first">{"".join(out)}'
            "</svg></div>")


class Picture(Directive):
    def run(self):
        env = self.state.document.settings.env
        drawn = picture(lambda name: env.app.builder.get_relative_uri(env.docname,
                                                                      names.page(name)))
        return [nodes.raw("", drawn, format="html")]


def setup(app):
    tables.Written.FUNCTIONS.update(choices=table, declarations=by_declaration)
    app.add_directive("chooser-picture", Picture)
