"""harvestd: a marketplace backend for local food, as a Twisted daemon."""

__version__ = "0.1.0"
