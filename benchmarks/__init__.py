"""What harvestd is measured by, and against whom. ``make bench`` runs the quick form, ``make bench-full`` all of it."""
