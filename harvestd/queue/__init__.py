"""Events on their way: topology, envelope, relay, brokers and the consumer."""
