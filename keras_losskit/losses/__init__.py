"""The mathematics: one folder a family, one file an idea."""
