"""What events cause: the handlers table, then one module a worker."""
