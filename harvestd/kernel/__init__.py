"""Values that everything reads and writes the same way: errors, quantities, days, slugs, cursors. Pure; imports nothing of harvestd."""
