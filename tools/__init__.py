"""Tools of the project itself; not a part of the package."""
