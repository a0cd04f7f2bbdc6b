"""The shapes that clients rely on: what bodies may hold and what answers do. OpenAPI's schemas are made from these."""
