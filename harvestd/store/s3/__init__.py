"""S3, or what speaks its protocol: signatures, requests, answers."""
