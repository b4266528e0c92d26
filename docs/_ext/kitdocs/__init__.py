"""What turns the package into its site: a page a loss, pictures, tables, links."""

from kitdocs import chooser, gallery, links, mathematics, migration, pages, tables


def setup(app):
    for part in (mathematics, gallery, pages, chooser, migration, tables, links):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
