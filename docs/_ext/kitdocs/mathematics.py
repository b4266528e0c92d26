"""Mathematics, set when the site is built, as SVG from TeX.

By ziamath, which needs no LaTeX and no script in the browser. MathML would do too, where the
reader has a mathematical font; many have none, and stretched braces then fall apart. The shapes
take the colour of the text around them, and so serve light and dark.
"""

import html
from functools import cache

import ziamath
from docutils import nodes

ziamath.config.svg2 = False  # Self-contained shapes: no `use` of another element by its id.
SIZE = 20  # What an em is in the SVGs; their lengths are then given in em.


@cache
def svg(tex, inline):
    drawn = ziamath.Latex(tex, size=SIZE, color="currentColor", inline=inline)
    text = drawn.svg()
    start, inside = text.split(">", 1)
    box = start.split('viewBox="')[1].split('"')[0]
    _, top, width, height = (float(x) for x in box.split())
    below = (top + height) / SIZE  # Of the baseline.
    return (
        f'<svg class="formula" role="img" aria-label="{html.escape(tex, quote=True)}" '
        f'viewBox="{box}" style="width:{width / SIZE:.3f}em;height:{height / SIZE:.3f}em;'
        f'vertical-align:{-below:.3f}em">{inside}'
    )


def inline(translator, node):
    translator.body.append(svg(node.astext(), True))
    raise nodes.SkipNode


def block(translator, node):
    drawn = svg(node.astext(), False)
    translator.body.append(f'<div class="formula-block">{drawn}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("svg", (inline, None), (block, None))
