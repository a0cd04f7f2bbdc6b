"""A process on its machine: what twistd runs, signals and exit codes, ports, children, logs, messages at startup."""
