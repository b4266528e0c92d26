"""Tables that are written from what was measured and listed, where a page asks for them."""

from docutils.parsers.rst import Directive

from kitdocs import benchmarks, pages


def parsed(directive, markdown):
    """Nodes of Markdown inside a page."""
    from docutils import nodes
    from docutils.statemachine import StringList

    holder = nodes.container()
    lines = StringList(markdown.splitlines(), source=str(directive.state.document.current_source))
    directive.state.nested_parse(lines, directive.content_offset, holder)
    return holder.children


class Written(Directive):
    """``{written} name``: the Markdown that the function of that name returns."""

    required_arguments = 1
    FUNCTIONS = {}

    def run(self):
        return parsed(self, self.FUNCTIONS[self.arguments[0]]())


def setup(app):
    Written.FUNCTIONS.update(
        verdicts=benchmarks.verdicts, grid=pages.grid,
        why=benchmarks.why, short=benchmarks.short, method=benchmarks.method,
    )
    app.add_directive("written", Written)
