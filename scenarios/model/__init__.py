"""What studies are made of: queues, a chain, books, arrivals, and the agents that pay."""
