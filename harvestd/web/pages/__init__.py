"""Developer documentation served by the daemon: the contract as OpenAPI, its reference, the problems."""
