"""A public name that stands as code, wherever it stands, links to its page."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from kitdocs import names

NAME = re.compile(r"(?:kl\.|keras_losskit\.)?([A-Za-z_]\w*)(?:\(.*\))?\Z", re.S)


def stands_elsewhere(node):
    """Whether it is in a table's column of what others call things."""
    entry = node
    while entry is not None and not isinstance(entry, nodes.entry):
        entry = entry.parent
    if entry is None:
        return False
    i = entry.parent.index(entry)
    group = entry.parent.parent.parent
    heads = [e.astext().lower() for head in group.findall(nodes.thead)
             for e in head.findall(nodes.entry)]
    return i < len(heads) and heads[i].startswith("elsewhere")


class LinkNames(SphinxPostTransform):
    default_priority = 5

    def run(self, **kwargs):
        here = self.env.docname
        for node in list(self.document.findall(nodes.literal)):
            found = NAME.match(node.astext())
            target = found and names.page(found[1])
            if not target or target == here or target not in self.env.found_docs:
                continue
            inside = node.parent
            while inside is not None:
                if isinstance(inside, (nodes.reference, nodes.title)):
                    break
                inside = inside.parent
            if inside is not None or stands_elsewhere(node):
                continue
            # A function's name that is a word too (`loss`) is meant where it is called.
            if found[1].islower() and "_" not in found[1] and "kl." not in node.astext():
                continue
            uri = self.app.builder.get_relative_uri(here, target)
            link = nodes.reference("", "", internal=True, refuri=uri)
            node.replace_self(link)
            link += node


def setup(app):
    app.add_post_transform(LinkNames)
