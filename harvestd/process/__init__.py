"""What a process is to its machine: what twistd runs, signals and exit codes, ports, children, logs, words at the start."""
