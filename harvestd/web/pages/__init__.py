"""What the daemon serves for people who build against it: the contract as OpenAPI, its reference, the problems."""
