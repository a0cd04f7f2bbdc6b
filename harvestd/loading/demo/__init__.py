"""A market to try: forty real farmers markets from the USDA's directory, and four fictitious people."""
