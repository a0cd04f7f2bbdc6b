"""Blobs: where they are kept, and their rows."""
