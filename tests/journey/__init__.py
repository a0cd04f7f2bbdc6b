"""The contract as a client sees it, over plain HTTP."""
