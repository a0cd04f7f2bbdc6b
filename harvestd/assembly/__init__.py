"""The implementation of each interface: the one place that knows them all, and chooses by the settings."""
