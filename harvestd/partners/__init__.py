"""External partners: mail and, later, payments, messages and files; one module each."""
