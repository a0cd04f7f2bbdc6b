"""A synthetic catalogue: any number of farms and products, a few of which sell a lot and most of which hardly sell."""
