"""The contract as others meet it: linters, generated clients, the pages, and its own examples, on a market with the demo\x27s data."""
