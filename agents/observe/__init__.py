"""What is seen of an agent from outside: metrics, health, an end in time. Nothing here decides anything."""
