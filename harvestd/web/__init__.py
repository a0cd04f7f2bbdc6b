"""HTTP: the route table, the gate round every route, and one module a noun."""
