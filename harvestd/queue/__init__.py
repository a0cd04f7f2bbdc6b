"""Events in transit: topology, envelope, relay, brokers and the consumer."""
