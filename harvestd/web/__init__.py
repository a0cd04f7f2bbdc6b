"""HTTP: the route table, the gate around every route, and one module per noun."""
