"""Shared value types and rules: errors, quantities, days, slugs, cursors. Pure; imports nothing of harvestd."""
